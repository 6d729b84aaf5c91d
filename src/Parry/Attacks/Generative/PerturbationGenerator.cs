using System.Globalization;
using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Models.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Attacks.Generative;

/// <summary>
/// AdvGAN's generator, c3s1-8, d16, d32, four residual blocks of 32, u16, u8, c3s1 to the image's channels, tanh: 3x3
/// convolutions with instance normalization and ReLU, twice halving and doubling the size. From images [N, C, H, W] in
/// [0, 1] to a perturbation of the same shape in [-1, 1].
/// </summary>
public sealed class PerturbationGenerator : Network
{
    /// <summary>The architecture's name in weight files.</summary>
    public const string Architecture = "advgan";

    private const int Blocks = 4;
    private const double Epsilon = 1e-5;
    private const string Budget = "epsilon";

    private readonly Conv2d _first;
    private readonly Conv2d _half;
    private readonly Conv2d _quarter;
    private readonly Conv2d _last;
    private readonly ConvTranspose2d _double;
    private readonly ConvTranspose2d _full;
    private readonly Conv2d[] _blocks;

    /// <summary>Creates it with weights from N(0, 0.02).</summary>
    public PerturbationGenerator(ImageShape shape, Generator random)
    {
        // A transposed convolution gives an odd or an even size; what is one too large is cut.
        Shape = shape;
        _first = Child("conv1", Layer.Conv2d(shape.Channels, 8, 3, random, padding: 1));
        _half = Child("conv2", Layer.Conv2d(8, 16, 3, random, stride: 2, padding: 1));
        _quarter = Child("conv3", Layer.Conv2d(16, 32, 3, random, stride: 2, padding: 1));
        _blocks =
        [
            .. Enumerable
                .Range(0, 2 * Blocks)
                .Select(i => Child($"block{(i / 2) + 1}-{(i % 2) + 1}", Layer.Conv2d(32, 32, 3, random, padding: 1))),
        ];
        _double = Child("up1", Layer.ConvTranspose2d(32, 16, 3, random, stride: 2, padding: 1, outputPadding: 1));
        _full = Child("up2", Layer.ConvTranspose2d(16, 8, 3, random, stride: 2, padding: 1, outputPadding: 1));
        _last = Child("conv4", Layer.Conv2d(8, shape.Channels, 3, random, padding: 1));
        foreach (var (_, parameter) in this.Parameters().Where(parameter => parameter.Value.shape.Length > 1))
            Init.Gaussian(parameter, 0.02, random);
    }

    /// <summary>The shape of the images.</summary>
    public ImageShape Shape { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        Tensor half = Block(_half, Block(_first, input));
        Tensor map = Block(_quarter, half);
        for (int i = 0; i < _blocks.Length; i += 2)
            map += Normalized(_blocks[i + 1].forward(Block(_blocks[i], map)));
        map = Block(_double, map).slice(2, 0, half.size(2), 1).slice(3, 0, half.size(3), 1);
        map = Block(_full, map).slice(2, 0, Shape.Height, 1).slice(3, 0, Shape.Width, 1);
        return _last.forward(map).tanh();
    }

    /// <summary>What a weight file says of it; the caller adds the training.</summary>
    /// <param name="epsilon">The budget it was trained for.</param>
    public ModelDescription Describe(double epsilon) =>
        new()
        {
            Architecture = Architecture,
            Data = "",
            Shape = Shape,
            Settings = string.Create(CultureInfo.InvariantCulture, $"{Budget}={epsilon}"),
        };

    /// <summary>Reads one from a weight file, which the caller owns.</summary>
    /// <returns>The generator, the budget it was trained for, and what else the file says.</returns>
    /// <exception cref="UserErrorException">There is no such file, it is damaged, or holds something else.</exception>
    public static (PerturbationGenerator Generator, double Epsilon, ModelDescription Description) Load(string path)
    {
        double epsilon = 0;
        var (generator, description) = ModelFile.Load<PerturbationGenerator>(
            path,
            [Architecture],
            description =>
            {
                string? budget = description.Setting(Budget);
                if (
                    !double.TryParse(budget, NumberStyles.Float, CultureInfo.InvariantCulture, out epsilon)
                    || !(epsilon > 0 && double.IsFinite(epsilon))
                )
                    throw new InvalidDataException($"It does not say for which budget it was trained (\"{budget}\").");
                return (
                    ParametersOf(description.Shape.Channels),
                    random => new PerturbationGenerator(description.Shape, random)
                );
            }
        );
        return (generator, epsilon, description);
    }

    private static long ParametersOf(long channels)
    {
        const long Window = 9;
        const long Narrow = 8;
        const long Middle = 16;
        const long Wide = 32;
        return (((channels * Window) + 1) * Narrow)
            + (((Narrow * Window) + 1) * Middle)
            + (((Middle * Window) + 1) * Wide)
            + (2 * Blocks * ((Wide * Window) + 1) * Wide)
            + (((Wide * Window) + 1) * Middle)
            + (((Middle * Window) + 1) * Narrow)
            + (((Narrow * Window) + 1) * channels);
    }

    private static Tensor Block(nn.Module<Tensor, Tensor> convolution, Tensor input) =>
        Normalized(convolution.forward(input)).relu();

    private static Tensor Normalized(Tensor map) =>
        nn.functional.instance_norm(map, weight: null, bias: null, eps: Epsilon);
}
