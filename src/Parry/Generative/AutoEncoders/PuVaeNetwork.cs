using Parry.Generative.Gans;
using Parry.Models;
using Parry.Models.Architectures;
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
/// What the paper's table leaves open: convolutions keep the image's size, and the one-hot label joins the flattened
/// maps before the first linear layer and the latent vector before the decoder. The first layer's weights of the label
/// stand by themselves, which is the same sum: what comes before, nearly all of the work, is done once for all labels
/// of an image.
/// </remarks>
public sealed class PuVaeNetwork : Network
{
    /// <summary>The architecture's name in weight files.</summary>
    public const string Architecture = "puvae";

    private const int Kernel = 7,
        Dilation = 2,
        Same = 6;
    private const int MostUnits = 1 << 20;

    private readonly int _width;
    private readonly int _hidden;
    private readonly ImageShape[] _maps;
    private readonly Conv2d[] _convolutions;
    private readonly Linear _first,
        _label,
        _second,
        _code,
        _start;
    private readonly ConvTranspose2d[] _deconvolutions;

    /// <summary>
    /// Creates it with Glorot's uniform weights and biases 0: with PyTorch's smaller ones hardly anything of the image
    /// reaches the code, which then stays unused.
    /// </summary>
    /// <param name="shape">Of the images: square, at least 8 pixels high.</param>
    /// <param name="classes">How many there are.</param>
    /// <param name="random">Where the first weights come from.</param>
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

        // As a part of the first linear layer, of whose inputs the labels are a few.
        _label.weight.mul_(Math.Sqrt((classes + hidden) / (double)(features + classes + hidden)));
    }

    /// <summary>The shape of the images.</summary>
    public ImageShape Shape { get; }

    /// <summary>The number of classes.</summary>
    public int Classes { get; }

    /// <summary>The length of the latent vector.</summary>
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

    /// <summary>
    /// The distribution of the codes of images that were looked at, [N, hidden], taken for labels [N] int64.
    /// </summary>
    public GaussianCode Encode(Tensor seen, Tensor labels)
    {
        Tensor code = _code.forward(
            _second.forward(seen.add(_label.forward(OneHot(labels, seen.dtype))).relu()).relu()
        );
        return new GaussianCode(
            code.slice(1, 0, Latent, 1),
            nn.functional.softplus(code.slice(1, Latent, 2 * Latent, 1))
        );
    }

    /// <summary>
    /// Images for latent vectors [N, latent] and labels [N] int64, before their sigmoid: [N, C, H, W].
    /// </summary>
    public Tensor DecodeLogits(Tensor latents, Tensor labels)
    {
        Tensor map = _start
            .forward(cat([latents, OneHot(labels, latents.dtype)], 1))
            .relu()
            .reshape(latents.size(0), _width, _maps[0].Height, _maps[0].Width);
        for (int i = 0; i < _deconvolutions.Length; i++)
        {
            map = _deconvolutions[i].forward(map);
            if (i < _deconvolutions.Length - 1)
                map = map.relu();
        }

        return map;
    }

    /// <summary>
    /// Images drawn again for every label from the means of their codes, [N · classes, C, H, W] in [0, 1], those of one
    /// image next to each other.
    /// </summary>
    public override Tensor forward(Tensor input)
    {
        Tensor labels = EveryLabel(input.size(0));
        return DecodeLogits(Encode(Features(input).repeat_interleave(Classes, 0), labels).Mean, labels).sigmoid();
    }

    /// <summary>Every label for each of some images: 0, 1, …, 0, 1, …</summary>
    public Tensor EveryLabel(long images) => arange(Classes, ScalarType.Int64).repeat(images);

    /// <summary>What a weight file says of it; the caller adds the training.</summary>
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

    /// <summary>Reads one from a weight file, which the caller owns.</summary>
    /// <exception cref="UserErrorException">There is no such file, it is damaged, or holds something else.</exception>
    public static (PuVaeNetwork Network, ModelDescription Description) Load(string path) =>
        ModelFile.Load<PuVaeNetwork>(
            path,
            [Architecture],
            description =>
            {
                int classes = description.ClassNames.Count,
                    width = description.NeedWidth(),
                    hidden = description.NeedSetting("hidden", MostUnits),
                    latent = description.NeedLatent();
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
        long start = MapsOf(shape, (int)width)[0].Pixels,
            channels = shape.Channels;
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
