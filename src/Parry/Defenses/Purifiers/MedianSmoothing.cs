using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Median smoothing, a squeezer of feature squeezing (Xu, Evans, Qi, 2017, 1704.01155): every value becomes the median
/// of a window around it, mirrored at the edges. As in the paper's code (SciPy's median filter), a 2x2 window reaches
/// up and left, and its median is the third of the four values. Gradients pass to the values that are chosen.
/// </summary>
public sealed record MedianSmoothing(ImageShape Shape) : IPurifier
{
    private const int RowsAtOnce = 500;

    /// <summary>The side of the window, 2 or 3.</summary>
    public int Window
    {
        get;
        init =>
            field = value is 2 or 3 ? value : throw new UserErrorException($"expected a window of 2 or 3, got {value}");
    } = 2;

    /// <inheritdoc/>
    public string Name => "median";

    /// <inheritdoc/>
    public GradientPath Path => GradientPath.Exact;

    /// <inheritdoc/>
    public bool IsRandom => false;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random) =>
        RowPieces.Purify(
            this,
            images,
            random,
            RowsAtOnce,
            (piece, _) =>
            {
                Tensor[] rows = Shifted(piece, 2),
                    all = [.. rows.SelectMany(row => Shifted(row, 3))];
                return Purified.Of(piece, stack(all).sort(0).Values.select(0, all.Length / 2));
            }
        );

    // The images moved by each place of the window along a dimension. A mirrored edge pixel is the edge pixel itself,
    // as the window reaches no further.
    private Tensor[] Shifted(Tensor images, int dimension)
    {
        long size = images.size(dimension);
        return
        [
            .. Enumerable
                .Range(-1, Window)
                .Select(move =>
                    images.index_select(
                        dimension,
                        tensor(Enumerable.Range(0, (int)size).Select(i => Math.Clamp(i + move, 0, size - 1)).ToArray())
                    )
                ),
        ];
    }
}

/// <summary>The options of <see cref="MedianSmoothing"/>.</summary>
public sealed record MedianSmoothingSettings : IDefenseSettings
{
    /// <summary>The side of the window, 2 or 3.</summary>
    [Option("window", "side of the window, 2 or 3", Min = 1)]
    public int Window { get; init; } = 2;

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        var purifier = new MedianSmoothing(context.Shape) { Window = Window };
        return new DefenseSpec { Name = purifier.Name, Purifier = purifier };
    }
}
