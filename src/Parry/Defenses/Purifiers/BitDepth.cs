using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Bit depth reduction, a squeezer of feature squeezing (Xu, Evans, Qi, 2017, 1704.01155): every value is rounded to
/// the nearest of 2^bits levels. The attacker's gradient passes as through the identity.
/// </summary>
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

    /// <summary>What the command line knows of it.</summary>
    public static DefenseEntry Entry { get; } =
        new(
            "bit-depth",
            "rounds values to a few bits",
            "Xu, Evans, Qi, 2017, 1704.01155",
            [new("bits", "bits of a value, 1 to 8")],
            (options, context) =>
            {
                var purifier = new BitDepth(context.Shape) { Bits = options.Whole("bits", 1) };
                return new DefenseSpec { Name = purifier.Name, Purifier = purifier };
            }
        );

    /// <inheritdoc/>
    public string Name => Entry.Name;

    /// <inheritdoc/>
    public GradientPath Path => GradientPath.Identity;

    /// <inheritdoc/>
    public bool IsRandom => false;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random)
    {
        double steps = (1 << Bits) - 1;
        return RowPieces.Purify(
            this,
            images,
            random,
            RowsAtOnce,
            (rows, _) => Purified.Of(rows, rows.mul(steps).round().div(steps))
        );
    }
}
