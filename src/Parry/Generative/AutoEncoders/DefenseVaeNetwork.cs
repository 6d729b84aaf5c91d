using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Models.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// The network of Defense-VAE (Li and Ji, 2018, 1812.06570), as its code builds it. Encoder: convolutions 5x5 to 64
/// maps and, 4x4 with stride 2, to 64, 128 and 256, then mean and logarithm of the variance of 128 components. Decoder:
/// a linear layer, transposed convolutions 4x4 with stride 2 to 128, 64 and 64 maps, and one 5x5 to the image. Batch
/// normalization and ReLU after each but the last, which has a sigmoid.
/// </summary>
public sealed class DefenseVaeNetwork : Network
{
    /// <summary>The architecture's name in weight files.</summary>
    public const string Architecture = "defense-vae";

    private readonly Sequential _encoder;
    private readonly Sequential _decoder;
    private readonly Linear _mean;
    private readonly Linear _logVariance;
    private readonly Linear _start;
    private readonly int _width;
    private readonly int _rows;
    private readonly int _columns;

    /// <summary>Creates it with normal weights of standard deviation 0.02, as the authors' code does.</summary>
    /// <param name="shape">Of the images; height and width are even.</param>
    /// <param name="random">Draws the initial weights.</param>
    /// <param name="width">Maps of the first convolution.</param>
    /// <param name="latent">The length of the latent vector.</param>
    /// <exception cref="UserErrorException">Height or width is odd, or their paddings differ.</exception>
    public DefenseVaeNetwork(ImageShape shape, Generator random, int width = 64, int latent = 128)
    {
        (Shape, Latent, _width) = (shape, latent, width);
        (_rows, _columns) = (Quarter(shape.Height) / 2, Quarter(shape.Width) / 2);
        int padding = PaddingOf(shape);
        int features = 4 * width * _rows * _columns;
        _encoder = Child(
            "encoder",
            Layer.Sequential(
                Layer.Conv2d(shape.Channels, width, 5, random, padding: 2, bias: false),
                Layer.BatchNorm(width),
                nn.ReLU(),
                Layer.Conv2d(width, width, 4, random, 2, padding, bias: false),
                Layer.BatchNorm(width),
                nn.ReLU(),
                Layer.Conv2d(width, 2 * width, 4, random, 2, 1, bias: false),
                Layer.BatchNorm(2 * width),
                nn.ReLU(),
                Layer.Conv2d(2 * width, 4 * width, 4, random, 2, 1, bias: false),
                Layer.BatchNorm(4 * width),
                nn.ReLU(),
                Layer.Flatten()
            )
        );
        _mean = Child("mean", Layer.Linear(features, latent, random));
        _logVariance = Child("log-variance", Layer.Linear(features, latent, random));
        _start = Child("start", Layer.Linear(latent, features, random));
        _decoder = Child(
            "decoder",
            Layer.Sequential(
                Layer.BatchNorm(4 * width),
                nn.ReLU(),
                Layer.ConvTranspose2d(4 * width, 2 * width, 4, random, 2, 1, bias: false),
                Layer.BatchNorm(2 * width),
                nn.ReLU(),
                Layer.ConvTranspose2d(2 * width, width, 4, random, 2, 1, bias: false),
                Layer.BatchNorm(width),
                nn.ReLU(),
                Layer.ConvTranspose2d(width, width, 4, random, 2, padding, bias: false),
                Layer.BatchNorm(width),
                nn.ReLU(),
                Layer.ConvTranspose2d(width, shape.Channels, 5, random, padding: 2)
            )
        );
        foreach (var (_, weight) in this.Parameters().Where(parameter => parameter.Value.shape.Length > 1))
            Init.Gaussian(weight, 0.02, random);
    }

    /// <summary>The shape of the images.</summary>
    public ImageShape Shape { get; }

    /// <summary>The length of a latent vector.</summary>
    public int Latent { get; }

    /// <summary>The distribution of each image's code, for images [N, C, H, W].</summary>
    public GaussianCode Encode(Tensor images)
    {
        Tensor features = _encoder.forward(images);
        return GaussianCode.OfLogVariance(_mean.forward(features), _logVariance.forward(features));
    }

    /// <summary>Images for latent vectors [N, latent], before their sigmoid: [N, C, H, W].</summary>
    public Tensor DecodeLogits(Tensor latents) =>
        _decoder.forward(_start.forward(latents).reshape(latents.size(0), 4 * _width, _rows, _columns));

    /// <summary>Reconstructs images from the means of their codes, [N, C, H, W] in [0, 1].</summary>
    public override Tensor forward(Tensor input) => DecodeLogits(Encode(input).Mean).sigmoid();

    /// <summary>Its description for a weight file; the caller adds how it was trained.</summary>
    public ModelDescription Describe() =>
        new()
        {
            Architecture = Architecture,
            Data = "",
            Shape = Shape,
            Latent = Latent,
            Width = _width,
        };

    /// <summary>Loads one from a weight file; the caller owns it.</summary>
    /// <exception cref="UserErrorException">The file is missing, damaged, or holds something else.</exception>
    public static (DefenseVaeNetwork Network, ModelDescription Description) Load(string path) =>
        ModelFile.Load<DefenseVaeNetwork>(
            path,
            [Architecture],
            description =>
            {
                int width = description.NeedWidth();
                int latent = description.NeedLatent();
                return (
                    ElementsOf(description.Shape, width, latent),
                    random => new DefenseVaeNetwork(description.Shape, random, width, latent)
                );
            }
        );

    // Weights and running statistics; each normalization has four numbers for a map.
    private static long ElementsOf(ImageShape shape, long width, long latent)
    {
        _ = PaddingOf(shape);
        long features = 4 * width * (Quarter(shape.Height) / 2) * (Quarter(shape.Width) / 2);
        long channels = shape.Channels;
        long windows = 16 * width * width;
        long convolutions = checked(
            (25 * channels * width * 2) + channels + (windows * (1 + 2 + 8)) + (windows * (8 + 2 + 1))
        );
        return checked(
            convolutions
            + (4 * width * (1 + 1 + 2 + 4 + 4 + 2 + 1 + 1))
            + (2 * (features + 1) * latent)
            + ((latent + 1) * features)
        );
    }

    // Half the size of the map after the first stride, which is half the image's size rounded up to a multiple of four:
    // 16 for 28 and for 32 pixels.
    private static int Quarter(int size) => ((size / 2) + 3) / 4 * 2;

    private static int PaddingOf(ImageShape shape)
    {
        int down = Padding(shape.Height);
        int right = Padding(shape.Width);
        return shape.Height % 2 == 0 && shape.Width % 2 == 0 && down == right
            ? down
            : throw new UserErrorException($"Defense-VAE takes square images of even height, not {shape}");

        static int Padding(int size) => ((4 * Quarter(size)) + 2 - size) / 2;
    }
}
