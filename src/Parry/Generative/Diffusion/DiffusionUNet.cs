using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Models.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Generative.Diffusion;

/// <summary>
/// The network of denoising diffusion (Ho, Jain, Abbeel, 2020, 2006.11239), small for small images: it predicts the
/// noise in an image from the image and its time. It has residual blocks at the image's size, at half and at a quarter
/// of it, with width, 2 · width and 2 · width maps. Each block sees the time, and each block on the way up also sees
/// the output of the block of its size on the way down.
/// </summary>
/// <remarks>
/// Deviations from the paper, whose images are larger: one block per level, and no attention. With width 32, for 28x28
/// gray images, it has 0.58 million parameters.
/// </remarks>
public sealed class DiffusionUNet : Network
{
    /// <summary>The architecture's name in weight files.</summary>
    public const string Architecture = "diffusion-unet";

    private const int Frequencies = 32;
    private const double LongestWave = 10_000;

    private readonly Conv2d _first;
    private readonly Conv2d _last;
    private readonly Linear _time1;
    private readonly Linear _time2;
    private readonly DiffusionBlock _down1;
    private readonly DiffusionBlock _down2;
    private readonly DiffusionBlock _down3;
    private readonly DiffusionBlock _middle;
    private readonly DiffusionBlock _up3;
    private readonly DiffusionBlock _up2;
    private readonly DiffusionBlock _up1;
    private readonly GroupNorm _norm;

    /// <summary>
    /// Creates it with PyTorch's default weights; the last convolution starts at 0, so that at first no noise is
    /// predicted.
    /// </summary>
    /// <param name="shape">The shape of the images; height and width are multiples of 4.</param>
    /// <param name="random">Draws the initial weights.</param>
    /// <param name="width">Maps at the image's size, a multiple of 8.</param>
    /// <exception cref="UserErrorException">The shape or the width is not such a multiple.</exception>
    public DiffusionUNet(ImageShape shape, Generator random, int width = 32)
    {
        if (shape.Height % 4 != 0 || shape.Width % 4 != 0)
            throw new UserErrorException(
                $"the diffusion network takes images whose height and width are multiples of 4, got {shape}"
            );
        if (width < 8 || width % DiffusionBlock.Groups != 0)
            throw new UserErrorException(
                $"expected a width that is a multiple of {DiffusionBlock.Groups}, got {width}"
            );
        (Shape, Width) = (shape, width);
        int time = 4 * width;
        int two = 2 * width;
        _time1 = Child("time1", Layer.Linear(2 * Frequencies, time, random));
        _time2 = Child("time2", Layer.Linear(time, time, random));
        _first = Child("first", Layer.Conv2d(shape.Channels, width, 3, random, padding: 1));
        _down1 = Child("down1", new DiffusionBlock(width, width, time, random));
        _down2 = Child("down2", new DiffusionBlock(width, two, time, random));
        _down3 = Child("down3", new DiffusionBlock(two, two, time, random));
        _middle = Child("middle", new DiffusionBlock(two, two, time, random));
        _up3 = Child("up3", new DiffusionBlock(2 * two, two, time, random));
        _up2 = Child("up2", new DiffusionBlock(2 * two, two, time, random));
        _up1 = Child("up1", new DiffusionBlock(two + width, width, time, random));
        _norm = Child("norm", Layer.GroupNorm(DiffusionBlock.Groups, width));
        _last = Child("last", Layer.Conv2d(width, shape.Channels, 3, random, padding: 1));
        using var frozen = no_grad();
        _last.weight.zero_();
        _last.bias!.zero_();
    }

    /// <summary>The shape of the images.</summary>
    public ImageShape Shape { get; }

    /// <summary>Maps at the image's size.</summary>
    public int Width { get; }

    /// <summary>The noise at each time.</summary>
    public NoiseSchedule Schedule { get; } = new();

    /// <summary><see cref="Predict"/> at time 1.</summary>
    public override Tensor forward(Tensor input) => Predict(input, [.. Enumerable.Repeat(1, (int)input.size(0))]);

    /// <summary>Predicts the noise e in x_t.</summary>
    /// <param name="noised">x_t, [N, C, H, W] for images in [-1, 1].</param>
    /// <param name="times">t of each image.</param>
    public Tensor Predict(Tensor noised, IReadOnlyList<int> times)
    {
        Tensor time = _time2.forward(nn.functional.silu(_time1.forward(Waves(times))));
        Tensor one = _down1.Forward(_first.forward(noised), time);
        Tensor two = _down2.Forward(nn.functional.avg_pool2d(one, [2, 2], [2, 2]), time);
        Tensor three = _down3.Forward(nn.functional.avg_pool2d(two, [2, 2], [2, 2]), time);
        Tensor map = _up3.Forward(cat([_middle.Forward(three, time), three], 1), time);
        map = _up2.Forward(cat([Twice(map), two], 1), time);
        map = _up1.Forward(cat([Twice(map), one], 1), time);
        return _last.forward(nn.functional.silu(_norm.forward(map)));
    }

    /// <summary>Its description for a weight file; the caller adds how it was trained.</summary>
    public ModelDescription Describe() =>
        new()
        {
            Architecture = Architecture,
            Data = "",
            Shape = Shape,
            Width = Width,
        };

    /// <summary>Loads one from a weight file; the caller owns it.</summary>
    /// <exception cref="UserErrorException">The file is missing, damaged, or holds something else.</exception>
    public static (DiffusionUNet Network, ModelDescription Description) Load(string path) =>
        ModelFile.Load<DiffusionUNet>(
            path,
            [Architecture],
            description =>
            {
                int width = description.NeedWidth(least: 8);
                return (
                    CountOf(description.Shape.Channels, width),
                    random => new DiffusionUNet(description.Shape, random, width)
                );
            }
        );

    /// <summary>The number of elements of a network; nothing is allocated.</summary>
    internal static long CountOf(int channels, int width)
    {
        long time = 4L * width;
        long two = 2L * width;
        (long From, long To)[] blocks =
        [
            (width, width),
            (width, two),
            (two, two),
            (two, two),
            (2 * two, two),
            (2 * two, two),
            (two + width, width),
        ];
        return (((2 * Frequencies) + 1) * time)
            + ((time + 1) * time)
            + (((9L * channels) + 1) * width)
            + blocks.Sum(block => DiffusionBlock.CountOf(block.From, block.To, time))
            + (2L * width)
            + (((9L * width) + 1) * channels);
    }

    private static Tensor Twice(Tensor map) => nn.functional.interpolate(map, [2 * map.size(2), 2 * map.size(3)]);

    // Sines and cosines of the times, of wavelengths up to 10,000 · 2π.
    private static Tensor Waves(IReadOnlyList<int> times)
    {
        var waves = new float[times.Count * 2 * Frequencies];
        for (int i = 0; i < times.Count; i++)
        {
            for (int k = 0; k < Frequencies; k++)
            {
                var (sine, cosine) = Math.SinCos(times[i] * Math.Pow(LongestWave, -(double)k / Frequencies));
                (waves[(((2 * i) + 0) * Frequencies) + k], waves[(((2 * i) + 1) * Frequencies) + k]) = (
                    (float)sine,
                    (float)cosine
                );
            }
        }

        return tensor(waves, [times.Count, 2 * Frequencies]);
    }
}
