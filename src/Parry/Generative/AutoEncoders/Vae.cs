using Parry.Models.Architectures;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// A variational auto-encoder of dense layers (Kingma and Welling, 2013, 1312.6114). The default sizes are those of the
/// robust manifold defense for MNIST (Jalal et al., 2017, 1712.09196): 784-500-(20, 20) and 20-500-500-784, with
/// LeakyReLU 0.1 between layers and a sigmoid at the end.
/// </summary>
public sealed class Vae : Network, ILatentModel
{
    /// <summary>The architecture's name in weight files.</summary>
    public const string Architecture = "vae";

    private readonly DenseLayers _encoder;
    private readonly DenseLayers _decoder;

    /// <summary>Creates it with PyTorch's default weights.</summary>
    /// <param name="shape">The shape of the images.</param>
    /// <param name="random">Draws the initial weights.</param>
    /// <param name="sizes">The sizes of the layers; null for the paper's.</param>
    public Vae(ImageShape shape, Generator random, VaeSizes? sizes = null)
    {
        (Shape, Sizes) = (shape, sizes ?? new VaeSizes());
        _encoder = Child("encoder", new DenseLayers(Sizes.OfEncoder(shape.Pixels), random));
        _decoder = Child("decoder", new DenseLayers(Sizes.OfDecoder(shape.Pixels), random));
    }

    /// <summary>The shape of the images.</summary>
    public ImageShape Shape { get; }

    /// <summary>The sizes of its layers.</summary>
    public VaeSizes Sizes { get; }

    /// <inheritdoc/>
    public int Latent => Sizes.Latent;

    /// <summary>The distribution of each image's code, for images [N, C, H, W].</summary>
    public GaussianCode Encode(Tensor images) => Sizes.Code(_encoder.forward(images.flatten(1)));

    /// <summary>Images for latent vectors [N, latent], before their sigmoid: [N, C, H, W].</summary>
    public Tensor DecodeLogits(Tensor latents) =>
        _decoder.forward(latents).reshape(latents.size(0), Shape.Channels, Shape.Height, Shape.Width);

    /// <summary>Images [N, C, H, W] in [0, 1] for latent vectors [N, latent].</summary>
    public Tensor Decode(Tensor latents) => DecodeLogits(latents).sigmoid();

    /// <inheritdoc/>
    /// <remarks>Always in float32.</remarks>
    public Drawing Draw(Tensor latents, ScalarType compute = ScalarType.Float32) => Drawing.Of(latents, Decode);

    /// <summary>Reconstructs images from the means of their codes, [N, C, H, W] in [0, 1].</summary>
    public override Tensor forward(Tensor input) => Decode(Encode(input).Mean);

    /// <summary>
    /// The negative evidence lower bound of each image, [N], with latent vectors drawn with this noise, [N, latent].
    /// </summary>
    public Tensor Loss(Tensor images, Tensor noise)
    {
        GaussianCode code = Encode(images);
        return Elbo.Negative(DecodeLogits(code.Draw(noise)), images, code);
    }

    /// <summary>Its description for a weight file; the caller adds how it was trained.</summary>
    public ModelDescription Describe() =>
        new()
        {
            Architecture = Architecture,
            Data = "",
            Shape = Shape,
            Latent = Sizes.Latent,
            Settings = Sizes.Text,
        };

    /// <summary>Loads one from a weight file; the caller owns it.</summary>
    /// <exception cref="UserErrorException">The file is missing, damaged, or holds something else.</exception>
    public static (Vae Network, ModelDescription Description) Load(string path) =>
        ModelFile.Load<Vae>(
            path,
            [Architecture],
            description =>
            {
                VaeSizes sizes = VaeSizes.Of(description);
                long parameters =
                    DenseLayers.ParametersOf(sizes.OfEncoder(description.Shape.Pixels))
                    + DenseLayers.ParametersOf(sizes.OfDecoder(description.Shape.Pixels));
                return (parameters, random => new Vae(description.Shape, random, sizes));
            }
        );
}
