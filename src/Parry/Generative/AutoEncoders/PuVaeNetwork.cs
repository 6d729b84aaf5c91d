using Parry.Generative.Gans;
using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Models.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// The conditional auto-encoder of PuVAE (Hwang, Park, Jang, Yoon, Cho, 2019, 1903.00585). Encoder: three convolutions
/// 7x7 of dilation 2 with 32 maps, two linear layers of 1024, and one for mean and deviation of 32 components, the
/// deviation by Softplus. Decoder: a linear layer of 512 and three transposed convolutions 7x7 of stride 2, ReLU
/// between layers and a sigmoid at the end.
/// </summary>
/// <remarks>
/// Where the paper's table leaves the choice, convolutions keep the image's size, and the one-hot label is appended to
/// the flattened maps before the first linear layer and to the latent vector before the decoder. The first layer's
/// weights of the label are a layer of their own, which gives the same sum. So everything before them, nearly all of
/// the work, is done once for all labels of an image.
/// </remarks>
public sealed class PuVaeNetwork : Network
{
    /// <summary>The architecture's name in weight files.</summary>
    public const string Architecture = "puvae";

    private const int Kernel = 7;
    private const int Dilation = 2;
    private const int Same = 6;
    private const int MostUnits = 1 << 20;

    private readonly int _width;
    private readonly int _hidden;
    private readonly ImageShape[] _maps;
    private readonly Conv2d[] _convolutions;
    private readonly Linear _first;
    private readonly Linear _label;
    private readonly Linear _second;
    private readonly Linear _code;
    private readonly Linear _start;
    private readonly ConvTranspose2d[] _deconvolutions;

    /// <summary>
    /// Creates it with Glorot's uniform weights and biases of 0. With PyTorch's smaller weights hardly anything of the
    /// image reaches the code, which then stays unused.
    /// </summary>
    /// <param name="shape">Of the images: square, at least 8 pixels high.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="random">Draws the initial weights.</param>
    /// <param name="width">Maps of each convolution.</param>
    /// <param name="hidden">Units of the encoder's linear layers.</param>
    /// <param name="latent">The length of the latent vector.</param>
    /// <exception cref="UserErrorException">The images are too small or not square.</exception>
    public PuVaeNetwork(
        ImageShape shape,
        int classes,
        Generator random,
        int width = 32,
        int hidden = 1024,
        int latent = 32
    )
    {
        (Shape, Classes, Latent, _width, _hidden) = (shape, classes, latent, width, hidden);
        _maps = MapsOf(shape, width);
        _convolutions =
        [
            .. Enumerable
                .Range(1, 3)
                .Select(i =>
                    Child(
                        $"conv{i}",
                        Layer.Conv2d(
                            i == 1 ? shape.Channels : width,
                            width,
                            Kernel,
                            random,
                            padding: Same,
                            dilation: Dilation
                        )
                    )
                ),
        ];
        long features = (long)width * shape.Height * shape.Width;
        _first = Child("fc1", Layer.Linear(features, hidden, random));
        _label = Child("label", Layer.Linear(classes, hidden, random, bias: false));
        _second = Child("fc2", Layer.Linear(hidden, hidden, random));
        _code = Child("code", Layer.Linear(hidden, 2 * latent, random));
        _start = Child("start", Layer.Linear(latent + classes, _maps[0].Pixels, random));
        _deconvolutions =
        [
            .. Enumerable
                .Range(1, 3)
                .Select(i =>
                    Child(
                        $"deconv{i}",
                        Layer.ConvTranspose2d(
                            _maps[i - 1].Channels,
                            _maps[i].Channels,
                            Kernel,
                            random,
                            stride: 2,
                            padding: 3,
                            outputPadding: _maps[i].Height - (2 * _maps[i - 1].Height) + 1
                        )
                    )
                ),
        ];
        foreach (var (_, parameter) in this.Parameters())
        {
            if (parameter.shape.Length > 1)
                Init.GlorotUniform(parameter, random);
            else
                parameter.zero_();
        }

        // Glorot's range for the whole first layer, of which the label's weights are a part.
        _label.weight.mul_(Math.Sqrt((classes + hidden) / (double)(features + classes + hidden)));
    }

    /// <summary>The shape of the images.</summary>
    public ImageShape Shape { get; }

    /// <summary>The number of classes.</summary>
    public int Classes { get; }

    /// <summary>The length of a latent vector.</summary>
    public int Latent { get; }

    /// <summary>The encoder's features of images [N, C, H, W] before it sees a label, [N, hidden].</summary>
    public Tensor Features(Tensor images)
    {
        using var layout = new ChannelsLast();
        Tensor map = layout.forward(images);
        foreach (Conv2d convolution in _convolutions)
            map = convolution.forward(map).relu();
        return _first.forward(map.flatten(1));
    }

    /// <summary>The distribution of the codes of images for labels.</summary>
    /// <param name="features">What <see cref="Features"/> gives for the images, [N, hidden].</param>
    /// <param name="labels">[N] int64.</param>
    public GaussianCode Encode(Tensor features, Tensor labels)
    {
        Tensor label = _label.forward(OneHot(labels, features.dtype));
        Tensor hidden = (features + label).relu();
        Tensor code = _code.forward(_second.forward(hidden).relu());
        Tensor mean = code.slice(1, 0, Latent, 1);
        Tensor deviation = nn.functional.softplus(code.slice(1, Latent, 2 * Latent, 1));
        return new GaussianCode(mean, deviation);
    }

    /// <summary>
    /// Images for latent vectors [N, latent] and labels [N] int64, before their sigmoid: [N, C, H, W].
    /// </summary>
    public Tensor DecodeLogits(Tensor latents, Tensor labels)
    {
        Tensor input = cat([latents, OneHot(labels, latents.dtype)], 1);
        Tensor map = _start.forward(input).reshape(-1, _width, _maps[0].Height, _maps[0].Width);
        foreach (ConvTranspose2d deconvolution in _deconvolutions)
            map = deconvolution.forward(map.relu());
        return map;
    }

    /// <summary>
    /// Reconstructs images for every label from the means of their codes, [N · classes, C, H, W] in [0, 1], the
    /// reconstructions of one image next to each other.
    /// </summary>
    public override Tensor forward(Tensor input)
    {
        Tensor labels = EveryLabel(input.size(0));
        GaussianCode code = Encode(Features(input).repeat_interleave(Classes, 0), labels);
        return DecodeLogits(code.Mean, labels).sigmoid();
    }

    /// <summary>All labels, once for each of some images: 0, 1, …, 0, 1, …, [images · classes].</summary>
    public Tensor EveryLabel(long images) => arange(Classes, ScalarType.Int64).repeat(images);

    /// <summary>Its description for a weight file; the caller adds how it was trained.</summary>
    public ModelDescription Describe(IReadOnlyList<string> classNames) =>
        new()
        {
            Architecture = Architecture,
            Data = "",
            Shape = Shape,
            ClassNames = classNames,
            Latent = Latent,
            Width = _width,
            Settings = $"hidden={_hidden}",
        };

    /// <summary>Loads one from a weight file; the caller owns it.</summary>
    /// <exception cref="UserErrorException">The file is missing, damaged, or holds something else.</exception>
    public static (PuVaeNetwork Network, ModelDescription Description) Load(string path) =>
        ModelFile.Load<PuVaeNetwork>(
            path,
            [Architecture],
            description =>
            {
                int classes = description.ClassNames.Count;
                int width = description.NeedWidth();
                int hidden = description.NeedSetting("hidden", MostUnits);
                int latent = description.NeedLatent();
                return (
                    ParametersOf(description.Shape, classes, width, hidden, latent),
                    random => new PuVaeNetwork(description.Shape, classes, random, width, hidden, latent)
                );
            }
        );

    private Tensor OneHot(Tensor labels, ScalarType type) => nn.functional.one_hot(labels, Classes).to(type);

    private static long ParametersOf(ImageShape shape, long classes, long width, long hidden, long latent)
    {
        const long Window = Kernel * Kernel;
        long start = MapsOf(shape, (int)width)[0].Pixels;
        long channels = shape.Channels;
        return checked(
            (((channels + width + width) * Window) + 3) * width
            + (((width * shape.Height * shape.Width) + classes + 1) * hidden)
            + ((hidden + 1) * hidden)
            + ((hidden + 1) * 2 * latent)
            + ((latent + classes + 1) * start)
            + (2 * ((width * Window) + 1) * width)
            + (((width * Window) + 1) * channels)
        );
    }

    private static ImageShape[] MapsOf(ImageShape shape, int width) =>
        shape.Height == shape.Width && shape.Height >= 8
            ?
            [
                .. ImageGenerator
                    .MapsOf(shape, 1)
                    .Select((map, i) => map with { Channels = i < 3 ? width : shape.Channels }),
            ]
            : throw new UserErrorException($"PuVAE takes square images of at least 8x8 pixels, not {shape}");
}
