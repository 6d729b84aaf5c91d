using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Generative;

/// <summary>
/// StyleGAN's generator (Karras, Laine, Aila, 2018, 1812.04948) for images of at most 32x32: a mapping network makes a style of a latent vector; from a learned 4x4 constant, eight layers
/// with noise draw maps of 4x4, 8x8, 16x16 and 32x32, each told a style. It can stop at a smaller size and fade the next one in.
/// </summary>
public sealed class StyleGenerator : Module
{
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

    /// <summary>Creates a generator with the paper's first weights.</summary>
    /// <param name="shape">Of the images; height and width at most 32. Smaller ones are the middle of 32x32.</param>
    /// <param name="width">Half the channels at 4x4 and 8x8; 16x16 has as many, 32x32 half of it.</param>
    /// <param name="latent">Length of latent vectors and of styles.</param>
    /// <param name="random">Where the first weights come from.</param>
    /// <exception cref="UserErrorException">The images are too large.</exception>
    public StyleGenerator(ImageShape shape, int width, int latent, Parry.Torch.Generator random)
    {
        if (Math.Max(shape.Height, shape.Width) > SizeOf(LastLevel)) throw new UserErrorException($"this StyleGAN draws images of at most 32x32, not {shape}: choose --kind dcgan");
        _shape = shape;
        Latent = latent;
        using var frozen = Autograd.NoGrad();
        int[] channels = ChannelsOf(width);
        for (int i = 0; i < MappingLayers; i++) _mapping[i] = Child($"mapping{i + 1}", new Equalized([latent, latent], random, rate: MappingRate));
        _constant = Parameter("constant", Tensor.Ones([1, channels[0], 4, 4]));
        for (int layer = 0; layer < StyleLayers; layer++)
        {
            int level = layer / 2, from = layer % 2 == 1 ? channels[level] : channels[Math.Max(0, level - 1)];
            if (layer > 0) _convolutions[layer] = Child($"conv{layer + 1}", new Equalized([channels[level], from, 3, 3], random, bias: false));
            _styles[layer] = Child($"style{layer + 1}", new StyleLayer(channels[level], latent, random));
            _noise[layer] = Buffer($"noise{layer + 1}", Tensor.Normal([1, 1, SizeOf(level), SizeOf(level)], random));
            if (layer % 2 == 1) _toImage[level] = Child($"image{level + 1}", new Equalized([shape.Channels, channels[level], 1, 1], random, gain: 1));
        }

        _average = Buffer("average", Tensor.Zeros([latent]));
    }

    /// <summary>Length of latent vectors and of styles.</summary>
    public int Latent { get; }

    /// <summary>Latent vectors [N, latent] to images in [0, 1], styles truncated by 0.7.</summary>
    public override Tensor Forward(Tensor input) => Draw(Truncate(Map(input), 0.7), LastLevel, 1).Clamp(0, 1);

    /// <summary>The styles of latent vectors, one for all layers, [N, layers, latent].</summary>
    public Tensor Map(Tensor latents)
    {
        Tensor style = latents.Div(latents.Mul(latents).Mean([1], keep: true).Add(1e-8).Sqrt());
        foreach (Equalized layer in _mapping) style = layer.Forward(style).LeakyRelu(0.2);
        if (Training)
        {
            using var frozen = Autograd.NoGrad();
            _average.MulInPlace(AverageDecay).AddInPlace(style.Detach().Mean([0]), 1 - AverageDecay);
        }

        return style.Unsqueeze(1).Expand(style.Size(0), StyleLayers, Latent);
    }

    /// <summary>Styles moved towards the average one: average + ψ · (style - average). With ψ = 0 all images are the mean one.</summary>
    public Tensor Truncate(Tensor styles, double psi) => styles.Sub(_average).Mul(psi).Add(_average);

    /// <summary>The first layers' styles of one batch and the others' of another.</summary>
    /// <param name="coarse">[N, layers, latent]: decides position and shape.</param>
    /// <param name="fine">[N, layers, latent]: decides strokes.</param>
    /// <param name="from">The first layer that takes the other style.</param>
    public static Tensor Mix(Tensor coarse, Tensor fine, int from) => Tensor.Cat([coarse.Slice(1, 0, from), fine.Slice(1, from, StyleLayers)], 1);

    /// <summary>Draws images of a level's size, [N, C, size, size], around [0, 1] but not held inside; at the last level of the training images' shape.</summary>
    /// <param name="styles">[N, layers, latent].</param>
    /// <param name="level">The level to draw up to.</param>
    /// <param name="alpha">How far that level is faded in: with 0 the image is the level before's, enlarged.</param>
    public Tensor Draw(Tensor styles, int level, double alpha)
    {
        long count = styles.Size(0);
        Tensor maps = _constant.Expand(count, _constant.Size(1), 4, 4), before = maps;
        for (int layer = 0; layer < 2 * (level + 1); layer++)
        {
            int size = SizeOf(layer / 2);
            if (layer == 2 * level) before = maps;
            if (layer > 0 && layer % 2 == 0) maps = Blur(_convolutions[layer]!.Forward(maps.ResizeNearest(size, size)));
            else if (layer > 0) maps = _convolutions[layer]!.Forward(maps);
            Tensor noise = Random is null ? _noise[layer] : Tensor.Normal([count, 1, size, size], Random);
            maps = _styles[layer].Forward(maps, noise, styles.Select(1, layer));
        }

        Tensor image = _toImage[level].Forward(maps);
        if (level > 0 && alpha < 1) image = image.Mul(alpha).Add(_toImage[level - 1].Forward(before).ResizeNearest(SizeOf(level), SizeOf(level)).Mul(1 - alpha));
        image = image.Add(1).Mul(0.5);
        return level < LastLevel ? image : image.Slice(2, (32 - _shape.Height) / 2, ((32 - _shape.Height) / 2) + _shape.Height).Slice(3, (32 - _shape.Width) / 2, ((32 - _shape.Width) / 2) + _shape.Width);
    }

    /// <summary>How many numbers a network holds, noise and average included; nothing is allocated.</summary>
    internal static long CountOf(int colors, int width, int latent)
    {
        int[] channels = ChannelsOf(width);
        long count = (MappingLayers * (latent + 1L) * latent) + (16L * channels[0]) + latent;
        for (int layer = 0; layer < StyleLayers; layer++)
        {
            int level = layer / 2, from = layer % 2 == 1 ? channels[level] : channels[Math.Max(0, level - 1)], to = channels[level];
            count += (layer > 0 ? 9L * from * to : 0) + (2L * to) + ((latent + 1L) * 2 * to) + ((long)SizeOf(level) * SizeOf(level)) + (layer % 2 == 1 ? (to + 1L) * colors : 0);
        }

        return count;
    }

    internal static int SizeOf(int level) => 4 << level;

    internal static int[] ChannelsOf(int width) => [2 * width, 2 * width, width, Math.Max(1, width / 2)];

    /// <summary>[1, 2, 1] in both directions.</summary>
    internal static Tensor Blur(Tensor maps)
    {
        Tensor kernel = Tensor.From([1f / 16, 2f / 16, 1f / 16, 2f / 16, 4f / 16, 2f / 16, 1f / 16, 2f / 16, 1f / 16], 1, 1, 3, 3).To(maps.DType);
        return maps.Conv2d(kernel.Repeat(maps.Size(1), 1, 1, 1), padding: 1, groups: maps.Size(1));
    }
}
