using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Gans.Style;

/// <summary>
/// StyleGAN's generator (Karras, Laine, Aila, 2018, 1812.04948) for images of at most 32x32. A mapping network turns a
/// latent vector into a style. From a learned 4x4 constant, eight layers with noise, each modulated by a style, draw
/// maps of 4x4, 8x8, 16x16 and 32x32. It can stop at a smaller size and fade the next one in.
/// </summary>
public sealed class StyleGenerator : Network
{
    /// <summary>The architecture's name in weight files.</summary>
    public const string Architecture = "stylegan-generator";

    /// <summary>The last level, of 32x32 pixels; level 0 has 4x4.</summary>
    public const int LastLevel = 3;

    /// <summary>The layers that take a style, two at each level.</summary>
    public const int StyleLayers = 2 * (LastLevel + 1);

    private const int MappingLayers = 4;
    private const double MappingRate = 0.01;
    private const double AverageDecay = 0.995;

    private readonly ImageShape _shape;
    private readonly Equalized[] _mapping = new Equalized[MappingLayers];
    private readonly Equalized?[] _convolutions = new Equalized?[StyleLayers];
    private readonly StyleLayer[] _styles = new StyleLayer[StyleLayers];
    private readonly Tensor[] _noise = new Tensor[StyleLayers];
    private readonly Equalized[] _toImage = new Equalized[LastLevel + 1];
    private readonly Tensor _constant;
    private readonly Tensor _average;

    /// <summary>Creates a generator with the paper's initial weights.</summary>
    /// <param name="shape">The shape of the images, at most 32x32; smaller ones are the middle of 32x32.</param>
    /// <param name="width">The channels at 16x16; 4x4 and 8x8 have twice as many, 32x32 half as many.</param>
    /// <param name="latent">The length of latent vectors and of styles.</param>
    /// <param name="random">Draws the initial weights.</param>
    /// <exception cref="UserErrorException">The images are too large.</exception>
    public StyleGenerator(ImageShape shape, int width, int latent, Generator random)
    {
        if (Math.Max(shape.Height, shape.Width) > SizeOf(LastLevel))
            throw new UserErrorException(
                $"this StyleGAN draws images of at most 32x32, not {shape}: choose --kind dcgan"
            );
        _shape = shape;
        Latent = latent;
        using var frozen = no_grad();
        int[] channels = ChannelsOf(width);
        for (int i = 0; i < MappingLayers; i++)
            _mapping[i] = Child($"mapping{i + 1}", new Equalized([latent, latent], random, rate: MappingRate));
        _constant = Parameter("constant", ones([1, channels[0], 4, 4]));
        for (int layer = 0; layer < StyleLayers; layer++)
        {
            int level = layer / 2;
            int from = layer % 2 == 1 ? channels[level] : channels[Math.Max(0, level - 1)];
            if (layer > 0)
                _convolutions[layer] = Child(
                    $"conv{layer + 1}",
                    new Equalized([channels[level], from, 3, 3], random, bias: false)
                );
            _styles[layer] = Child($"style{layer + 1}", new StyleLayer(channels[level], latent, random));
            _noise[layer] = Buffer($"noise{layer + 1}", random.Normal(1, 1, SizeOf(level), SizeOf(level)));
            if (layer % 2 == 1)
                _toImage[level] = Child(
                    $"image{level + 1}",
                    new Equalized([shape.Channels, channels[level], 1, 1], random, gain: 1)
                );
        }

        _average = Buffer("average", zeros([latent]));
    }

    /// <summary>The length of latent vectors and of styles.</summary>
    public int Latent { get; }

    /// <summary>Latent vectors [N, latent] to images in [0, 1], styles truncated by 0.7.</summary>
    public override Tensor forward(Tensor input) => Draw(Truncate(Map(input), 0.7), LastLevel, 1).clamp(0.0, 1.0);

    /// <summary>The styles of latent vectors, one for all layers, [N, layers, latent].</summary>
    public Tensor Map(Tensor latents)
    {
        Tensor style = latents / (latents.pow(2).mean([1], true) + 1e-8).sqrt();
        foreach (Equalized layer in _mapping)
            style = nn.functional.leaky_relu(layer.forward(style), 0.2);
        if (training)
        {
            using var frozen = no_grad();
            _average.mul_(AverageDecay).add_(style.detach().mean([0]), 1 - AverageDecay);
        }

        return style.unsqueeze(1).expand(style.size(0), StyleLayers, Latent);
    }

    /// <summary>
    /// Moves styles toward the average one: average + ψ · (style - average). With ψ = 0 all images are the mean one.
    /// </summary>
    public Tensor Truncate(Tensor styles, double psi) => _average + (psi * (styles - _average));

    /// <summary>Takes the styles of the first layers from one batch and those of the others from another.</summary>
    /// <param name="coarse">[N, layers, latent]: decides position and shape.</param>
    /// <param name="fine">[N, layers, latent]: decides strokes.</param>
    /// <param name="from">The first layer that takes the other style.</param>
    public static Tensor Mix(Tensor coarse, Tensor fine, int from) =>
        cat([coarse.slice(1, 0, from, 1), fine.slice(1, from, StyleLayers, 1)], 1);

    /// <summary>
    /// Draws images of a level's size, [N, C, size, size], and at the last level of the training images' shape. Their
    /// values are about in [0, 1] but not clipped to it.
    /// </summary>
    /// <param name="styles">[N, layers, latent].</param>
    /// <param name="level">The level to draw up to.</param>
    /// <param name="alpha">How far that level is faded in: at 0 the image is the enlarged one of the level
    /// before.</param>
    public Tensor Draw(Tensor styles, int level, double alpha)
    {
        long count = styles.size(0);
        Tensor maps = _constant.expand(count, _constant.size(1), 4, 4);
        Tensor before = maps;
        for (int layer = 0; layer < 2 * (level + 1); layer++)
        {
            int size = SizeOf(layer / 2);
            if (layer == 2 * level)
                before = maps;
            if (layer > 0 && layer % 2 == 0)
                maps = Blur(_convolutions[layer]!.forward(nn.functional.interpolate(maps, [size, size])));
            else if (layer > 0)
                maps = _convolutions[layer]!.forward(maps);
            Tensor noise = Random is null ? _noise[layer] : Random.Normal(count, 1, size, size);
            maps = _styles[layer].Forward(maps, noise, styles.select(1, layer));
        }

        Tensor image = _toImage[level].forward(maps);
        if (level > 0 && alpha < 1)
        {
            Tensor smaller = _toImage[level - 1].forward(before);
            Tensor enlarged = nn.functional.interpolate(smaller, [SizeOf(level), SizeOf(level)]);
            image = (alpha * image) + ((1 - alpha) * enlarged);
        }

        image = (image + 1) * 0.5;
        if (level < LastLevel)
            return image;
        int top = (SizeOf(level) - _shape.Height) / 2;
        int left = (SizeOf(level) - _shape.Width) / 2;
        return image.slice(2, top, top + _shape.Height, 1).slice(3, left, left + _shape.Width, 1);
    }

    /// <summary>Loads one from a weight file; the caller owns it.</summary>
    /// <exception cref="UserErrorException">The file is missing, damaged, or holds something else.</exception>
    public static (StyleGenerator Network, ModelDescription Description) Load(string path) =>
        ModelFile.Load<StyleGenerator>(
            path,
            [Architecture],
            description =>
            {
                ImageShape shape = description.Shape;
                int width = description.NeedWidth();
                int latent = description.NeedLatent();
                return (
                    CountOf(shape.Channels, width, latent),
                    random => new StyleGenerator(shape, width, latent, random)
                );
            }
        );

    /// <summary>The number of elements of a network, noise and average included; nothing is allocated.</summary>
    internal static long CountOf(int colors, int width, int latent)
    {
        int[] channels = ChannelsOf(width);
        long count = (MappingLayers * (latent + 1L) * latent) + (16L * channels[0]) + latent;
        for (int layer = 0; layer < StyleLayers; layer++)
        {
            int level = layer / 2;
            int from = layer % 2 == 1 ? channels[level] : channels[Math.Max(0, level - 1)];
            int to = channels[level];
            count +=
                (layer > 0 ? 9L * from * to : 0)
                + (2L * to)
                + ((latent + 1L) * 2 * to)
                + ((long)SizeOf(level) * SizeOf(level))
                + (layer % 2 == 1 ? (to + 1L) * colors : 0);
        }

        return count;
    }

    internal static int SizeOf(int level) => 4 << level;

    internal static int[] ChannelsOf(int width) => [2 * width, 2 * width, width, Math.Max(1, width / 2)];

    /// <summary>Blurs maps with the kernel [1, 2, 1] / 4 in both directions.</summary>
    internal static Tensor Blur(Tensor maps)
    {
        Tensor kernel = tensor(
                new float[] { 1f / 16, 2f / 16, 1f / 16, 2f / 16, 4f / 16, 2f / 16, 1f / 16, 2f / 16, 1f / 16 },
                [1, 1, 3, 3]
            )
            .to(maps.dtype);
        return nn.functional.conv2d(maps, kernel.repeat(maps.size(1), 1, 1, 1), padding: [1, 1], groups: maps.size(1));
    }
}
