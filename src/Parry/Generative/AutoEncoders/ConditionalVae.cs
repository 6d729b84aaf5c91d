using Parry.Models.Architectures;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// A <see cref="Vae"/> whose encoder and decoder also see the image's class, as a one-hot vector (Sohn, Lee, Yan,
/// 2015), so that it draws images of a chosen class.
/// </summary>
public sealed class ConditionalVae : Network
{
    /// <summary>The architecture's name in weight files.</summary>
    public const string Architecture = "conditional-vae";

    private readonly DenseLayers _encoder;
    private readonly DenseLayers _decoder;

    /// <summary>Creates it with PyTorch's default weights.</summary>
    /// <param name="shape">The shape of the images.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="random">Draws the initial weights.</param>
    /// <param name="sizes">The sizes of the layers; null for those of <see cref="Vae"/>.</param>
    public ConditionalVae(ImageShape shape, int classes, Generator random, VaeSizes? sizes = null)
    {
        (Shape, Classes, Sizes) = (shape, classes, sizes ?? new VaeSizes());
        _encoder = Child("encoder", new DenseLayers(Sizes.OfEncoder(shape.Pixels, classes), random));
        _decoder = Child("decoder", new DenseLayers(Sizes.OfDecoder(shape.Pixels, classes), random));
    }

    /// <summary>The shape of the images.</summary>
    public ImageShape Shape { get; }

    /// <summary>The number of classes.</summary>
    public int Classes { get; }

    /// <summary>The sizes of its layers.</summary>
    public VaeSizes Sizes { get; }

    /// <summary>The distribution of each image's code, for images [N, C, H, W] of classes [N] int64.</summary>
    public GaussianCode Encode(Tensor images, Tensor labels) =>
        Sizes.Code(_encoder.forward(Joined(images.flatten(1), labels)));

    /// <summary>
    /// Images for latent vectors [N, latent] and classes [N] int64, before their sigmoid: [N, C, H, W].
    /// </summary>
    public Tensor DecodeLogits(Tensor latents, Tensor labels) =>
        _decoder.forward(Joined(latents, labels)).reshape(latents.size(0), Shape.Channels, Shape.Height, Shape.Width);

    /// <summary>Images [N, C, H, W] in [0, 1] for latent vectors [N, latent] and classes [N] int64.</summary>
    public Tensor Decode(Tensor latents, Tensor labels) => DecodeLogits(latents, labels).sigmoid();

    /// <summary>Not supported, because it lacks the classes.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override Tensor forward(Tensor input) =>
        throw new NotSupportedException("A conditional auto-encoder needs classes: call Encode and Decode.");

    /// <summary>
    /// The negative evidence lower bound of each image given its class, [N], with latent vectors drawn with this noise,
    /// [N, latent].
    /// </summary>
    public Tensor Loss(Tensor images, Tensor labels, Tensor noise)
    {
        GaussianCode code = Encode(images, labels);
        return Elbo.Negative(DecodeLogits(code.Draw(noise), labels), images, code);
    }

    /// <summary>Its description for a weight file; the caller adds how it was trained.</summary>
    public ModelDescription Describe(IReadOnlyList<string> classNames) =>
        new()
        {
            Architecture = Architecture,
            Data = "",
            Shape = Shape,
            ClassNames = classNames,
            Latent = Sizes.Latent,
            Settings = Sizes.Text,
        };

    /// <summary>Loads one from a weight file; the caller owns it.</summary>
    /// <exception cref="UserErrorException">The file is missing, damaged, or holds something else.</exception>
    public static (ConditionalVae Network, ModelDescription Description) Load(string path) =>
        ModelFile.Load<ConditionalVae>(
            path,
            [Architecture],
            description =>
            {
                VaeSizes sizes = VaeSizes.Of(description);
                int pixels = description.Shape.Pixels;
                int classes = description.ClassNames.Count;
                long parameters =
                    DenseLayers.ParametersOf(sizes.OfEncoder(pixels, classes))
                    + DenseLayers.ParametersOf(sizes.OfDecoder(pixels, classes));
                return (parameters, random => new ConditionalVae(description.Shape, classes, random, sizes));
            }
        );

    private Tensor Joined(Tensor values, Tensor labels) =>
        cat([values, nn.functional.one_hot(labels, Classes).to(values.dtype)], 1);
}
