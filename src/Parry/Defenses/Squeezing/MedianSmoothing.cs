using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Defenses.Squeezing;

/// <summary>
/// Median smoothing, a squeezer of feature squeezing (Xu, Evans, Qi, 2017, 1704.01155): replaces every value by the
/// median of a window around it; at the edges the image is mirrored. As in the paper's code (SciPy's median filter), a
/// 2x2 window reaches up and left, and its median is the third of the four values. Gradients pass to the chosen values.
/// </summary>
/// <param name="Shape">The shape of the images.</param>
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
        this.PurifyInPieces(images, random, RowsAtOnce, (rows, _) => Medians(rows));

    private Tensor Medians(Tensor images)
    {
        Tensor[] window = [.. Shifted(images, dimension: 2).SelectMany(rows => Shifted(rows, dimension: 3))];
        return stack(window).sort(0).Values.select(0, window.Length / 2);
    }

    // The images moved by each offset of the window along a dimension. The window reaches one pixel beyond the edge,
    // and the mirror image of that pixel is the edge pixel itself.
    private IEnumerable<Tensor> Shifted(Tensor images, int dimension)
    {
        long size = images.size(dimension);
        foreach (int offset in Enumerable.Range(-1, Window))
        {
            Tensor positions = (arange(size, ScalarType.Int64) + offset).clamp(0, size - 1);
            yield return images.index_select(dimension, positions);
        }
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
