using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Defenses.Squeezing;

/// <summary>
/// Bit depth reduction, a squeezer of feature squeezing (Xu, Evans, Qi, 2017, 1704.01155): rounds every value to the
/// nearest of 2^bits levels. The attacker's gradient passes through it as if it were the identity.
/// </summary>
/// <param name="Shape">The shape of the images.</param>
public sealed record BitDepth(ImageShape Shape) : IPurifier
{
    private const int RowsAtOnce = 500;

    /// <summary>Bits of a value, 1 to 8; the paper takes 1 for MNIST and 5 for CIFAR-10.</summary>
    public int Bits
    {
        get;
        init =>
            field = value is >= 1 and <= 8 ? value : throw new UserErrorException($"expected 1 to 8 bits, got {value}");
    } = 1;

    /// <inheritdoc/>
    public string Name => "bit-depth";

    /// <inheritdoc/>
    public GradientPath Path => GradientPath.Identity;

    /// <inheritdoc/>
    public bool IsRandom => false;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random)
    {
        double steps = (1 << Bits) - 1;
        return this.PurifyInPieces(images, random, RowsAtOnce, (rows, _) => (rows * steps).round() / steps);
    }
}

/// <summary>The options of <see cref="BitDepth"/>.</summary>
public sealed record BitDepthSettings : IDefenseSettings
{
    /// <summary>Bits of a value, 1 to 8.</summary>
    [Option("bits", "bits of a value, 1 to 8", Min = 1)]
    public int Bits { get; init; } = 1;

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        var purifier = new BitDepth(context.Shape) { Bits = Bits };
        return new DefenseSpec { Name = purifier.Name, Purifier = purifier };
    }
}
