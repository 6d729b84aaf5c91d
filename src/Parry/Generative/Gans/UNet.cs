using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Models.Files;
using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// The generator of pix2pix (Isola et al., 2016, 1611.07004) for images of about 32x32: five 4x4 convolutions with
/// stride 2 and as many transposed ones, each of which also sees the encoder's output of its size as further channels.
/// Dropout of one half in the first three levels of the decoder is the only noise.
/// </summary>
/// <remarks>
/// Images are padded with black to multiples of 32 and cropped again. Deviation: in evaluation mode there is no
/// dropout, so that an image has one answer.
/// </remarks>
public sealed class UNet : Network
{
    /// <summary>The architecture's name in weight files.</summary>
    public const string Architecture = "pix2pix-generator";

    private const int Levels = 5;
    private const int Kernel = 4;
    private const double Slope = 0.2;
    private const double Deviation = 0.02;

    private readonly Conv2d[] _down = new Conv2d[Levels];
    private readonly nn.Module<Tensor, Tensor>?[] _downNorm = new nn.Module<Tensor, Tensor>?[Levels];
    private readonly ConvTranspose2d[] _up = new ConvTranspose2d[Levels];
    private readonly nn.Module<Tensor, Tensor>?[] _upNorm = new nn.Module<Tensor, Tensor>?[Levels];
    private readonly SeededDropout _dropout;

    /// <summary>Creates a generator with the paper's initial weights: normal with deviation 0.02.</summary>
    /// <param name="channels">The channels of the images, both input and output.</param>
    /// <param name="width">Channels of the first map (64 in the paper); the next have 2, 4, 4 and 4 times as
    /// many.</param>
    /// <param name="random">Draws the initial weights.</param>
    public UNet(int channels, int width, Generator random)
    {
        foreach (var (level, from, to, back) in LevelsOf(channels, width))
        {
            bool inner = level == Levels - 1;
            _down[level] = Child($"down{level + 1}", Layer.Conv2d(from, to, Kernel, random, 2, 1));
            _up[level] = Child(
                $"up{level + 1}",
                Layer.ConvTranspose2d(inner ? to : 2 * to, back, Kernel, random, 2, 1)
            );
            if (level > 0 && !inner)
                _downNorm[level] = Child($"down-bn{level + 1}", Layer.BatchNorm(to));
            if (level > 0)
                _upNorm[level] = Child($"up-bn{level + 1}", Layer.BatchNorm(back));
        }

        _dropout = Child("dropout", new SeededDropout(0.5));
        Start(this, random);
    }

    /// <summary>Images [N, channels, H, W] in [0, 1] to images of the same shape.</summary>
    public override Tensor forward(Tensor input)
    {
        long height = input.size(2);
        long width = input.size(3);
        long size = 1L << Levels;
        long right = (size - (width % size)) % size;
        long down = (size - (height % size)) % size;
        Tensor map = (2 * nn.functional.pad(input, [0, right, 0, down])) - 1;
        var skips = new Tensor[Levels];
        for (int level = 0; level < Levels; level++)
        {
            map = _down[level].forward(level == 0 ? map : nn.functional.leaky_relu(map, Slope));
            if (_downNorm[level] is { } norm)
                map = norm.forward(map);
            skips[level] = map;
        }

        for (int level = Levels - 1; level >= 0; level--)
        {
            if (level < Levels - 1)
                map = cat([map, skips[level]], 1);
            map = _up[level].forward(map.relu());
            if (_upNorm[level] is { } norm)
                map = norm.forward(map);
            if (level >= 2)
                map = _dropout.forward(map);
        }

        Tensor image = (map.tanh() + 1) * 0.5;
        return image.slice(2, 0, height, 1).slice(3, 0, width, 1);
    }

    /// <inheritdoc/>
    public override string ToString() => $"UNet({_down[0].weight.size(1)}, width {_down[0].weight.size(0)})";

    /// <summary>Loads one from a weight file; the caller owns it.</summary>
    /// <exception cref="UserErrorException">The file is missing, damaged, or holds something else.</exception>
    public static (UNet Network, ModelDescription Description) Load(string path) =>
        ModelFile.Load<UNet>(
            path,
            [Architecture],
            description =>
            {
                int width = description.NeedWidth();
                int channels = description.Shape.Channels;
                return (CountOf(channels, width), random => new UNet(channels, width, random));
            }
        );

    /// <summary>The number of elements of a network, running statistics included; nothing is allocated.</summary>
    internal static long CountOf(int channels, int width) =>
        LevelsOf(channels, width)
            .Sum(level =>
            {
                bool inner = level.Index == Levels - 1;
                long window = Kernel * Kernel;
                long convolutions =
                    (window * level.From * level.To)
                    + level.To
                    + (window * (inner ? 1 : 2) * level.To * level.Back)
                    + level.Back;
                return convolutions
                    + (level.Index > 0 && !inner ? 4L * level.To : 0)
                    + (level.Index > 0 ? 4L * level.Back : 0);
            });

    /// <summary>
    /// Normal initial weights with deviation 0.02 around 0, and around 1 for batch normalization's factors; biases 0.
    /// </summary>
    internal static void Start(nn.Module<Tensor, Tensor> network, Generator random)
    {
        using var frozen = no_grad();
        foreach (var (name, parameter) in network.Parameters())
        {
            if (name.EndsWith("bias", StringComparison.Ordinal))
                parameter.zero_();
            else
                parameter.FillNormal(parameter.shape.Length == 1 ? 1 : 0, Deviation, random);
        }
    }

    // What each level's convolution takes and gives, and what its transposed convolution gives.
    private static IEnumerable<(int Index, int From, int To, int Back)> LevelsOf(int channels, int width)
    {
        int[] maps = [channels, width, 2 * width, 4 * width, 4 * width, 4 * width];
        return Enumerable.Range(0, Levels).Select(level => (level, maps[level], maps[level + 1], maps[level]));
    }
}
