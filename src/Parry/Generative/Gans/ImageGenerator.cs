using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// The generator of Defense-GAN (Samangouei, Kabkab, Chellappa, 2018, 1805.06605): a linear layer and three transposed
/// convolutions, 5x5 with stride 2, from a latent vector to an image in [0, 1].
/// </summary>
/// <remarks>
/// Deviation: the released code pads as TensorFlow does (one before, two after) and crops 8x8 to 7x7; padding is
/// symmetric here, with the same shapes and parameter count.
/// </remarks>
public sealed class ImageGenerator : Network, ILatentModel
{
    /// <summary>The architecture's name in weight files.</summary>
    public const string Architecture = "defense-gan-generator";

    private const int Stride = 2;
    private const int Padding = 2;

    private readonly ImageShape[] _maps;
    private readonly Tensor[] _weights;
    private readonly Tensor[] _biases;

    /// <summary>Creates a generator with the paper's initial weights.</summary>
    /// <param name="shape">The shape of the images; height and width are at least 8.</param>
    /// <param name="random">Draws the initial weights.</param>
    /// <param name="width">Channels of the last hidden map (64 in the paper).</param>
    /// <param name="latent">Length of the latent vector (128 in the paper).</param>
    public ImageGenerator(ImageShape shape, Generator random, int width = 64, int latent = 128)
    {
        Shape = shape;
        Width = width;
        Latent = latent;
        _maps = MapsOf(shape, width);
        using var scope = NewDisposeScope();
        ImageShape start = _maps[0];
        _weights = new Tensor[4];
        _biases = new Tensor[4];
        _weights[0] = Parameter(
            "linear.weight",
            GanInit.Uniform([start.Pixels, latent], latent, start.Pixels, gain: 2, random)
        );
        _biases[0] = Parameter("linear.bias", zeros([start.Pixels]));
        for (int i = 1; i < 4; i++)
        {
            int from = _maps[i - 1].Channels;
            int to = _maps[i].Channels;
            Tensor weight = GanInit.Uniform([from, to, 5, 5], from * 25.0 / 4, to * 25.0, gain: 4, random);
            _weights[i] = Parameter($"deconv{i}.weight", ChannelsLast.Of(weight));
            _biases[i] = Parameter($"deconv{i}.bias", zeros([to]));
        }
    }

    /// <summary>The shape of the images it draws.</summary>
    public ImageShape Shape { get; }

    /// <summary>Channels of the last hidden map.</summary>
    public int Width { get; }

    /// <summary>The length of a latent vector.</summary>
    public int Latent { get; }

    /// <summary>Images [N, C, H, W] in [0, 1] for latent vectors [N, latent]; autograd can follow it.</summary>
    public override Tensor forward(Tensor input) => Generate(input, input.dtype);

    /// <summary>
    /// Images [N, C, H, W] in [0, 1], float32, for latent vectors [N, latent]; autograd can follow it.
    /// </summary>
    /// <param name="latents">[N, latent].</param>
    /// <param name="compute">The number type of the maps: bfloat16 is faster where the processor has it, and precise to
    /// about three digits.</param>
    public Tensor Generate(Tensor latents, ScalarType compute = ScalarType.Float32)
    {
        ImageShape start = _maps[0];
        Tensor rows = nn.functional.linear(latents.to(compute), _weights[0].to(compute), _biases[0].to(compute)).relu();
        Tensor map = rows.reshape(latents.size(0), start.Height, start.Width, start.Channels).permute(0, 3, 1, 2);
        for (int i = 1; i < 4; i++)
        {
            // A convolution maps two sizes to the same one: this says which of them the map gets.
            long extra = _maps[i].Height - ((_maps[i - 1].Height - 1) * Stride) - 5 + (2 * Padding);
            Tensor weight = _weights[i].to(compute);
            Tensor bias = _biases[i].to(compute);
            map = nn.functional.conv_transpose2d(
                map,
                weight,
                bias,
                [Stride, Stride],
                [Padding, Padding],
                [extra, extra]
            );
            map = i < 3 ? map.relu() : map.sigmoid();
        }

        return compute == ScalarType.BFloat16 ? map.to(ScalarType.Float32) : map;
    }

    /// <inheritdoc/>
    public Drawing Draw(Tensor latents, ScalarType compute = ScalarType.Float32) =>
        Drawing.Of(latents, z => Generate(z, compute));

    /// <summary>Its description for a weight file; the caller adds how it was trained.</summary>
    public ModelDescription Describe() =>
        new()
        {
            Architecture = Architecture,
            Data = "",
            Shape = Shape,
            Latent = Latent,
            Width = Width,
        };

    /// <summary>Loads one from a weight file; the caller owns it.</summary>
    /// <exception cref="UserErrorException">The file is missing, damaged, or holds something else.</exception>
    public static (ImageGenerator Network, ModelDescription Description) Load(string path) =>
        ModelFile.Load<ImageGenerator>(
            path,
            [Architecture],
            description =>
            {
                ImageShape shape = description.Shape;
                int width = description.NeedWidth();
                int latent = description.NeedLatent();
                return (CountOf(shape, width, latent), random => new ImageGenerator(shape, random, width, latent));
            }
        );

    /// <summary>The number of parameters; nothing is allocated.</summary>
    private static long CountOf(ImageShape shape, int width, int latent)
    {
        ImageShape[] maps = MapsOf(shape, width);
        long linear = (latent + 1L) * maps[0].Pixels;
        return linear + maps.Zip(maps.Skip(1), (from, to) => ((25L * from.Channels) + 1) * to.Channels).Sum();
    }

    internal static ImageShape[] MapsOf(ImageShape shape, int width)
    {
        static int Half(int size) => (size + 1) / 2;
        int h = shape.Height;
        int w = shape.Width;
        return
        [
            new ImageShape(4 * width, Half(Half(Half(h))), Half(Half(Half(w)))),
            new ImageShape(2 * width, Half(Half(h)), Half(Half(w))),
            new ImageShape(width, Half(h), Half(w)),
            shape,
        ];
    }
}
