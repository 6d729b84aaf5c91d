using Parry.Data;
using Parry.Runtime;

namespace Parry.Evaluation.Cells;

/// <summary>
/// Neighboring images of a set, which are measured together. Ranges are cut at fixed places, so that what is measured
/// of an image does not depend on who measures it, or when.
/// </summary>
/// <param name="First">The number of the first image.</param>
/// <param name="Count">The number of images.</param>
internal readonly record struct ImageRange(int First, int Count)
{
    private const int MostImages = 100;

    // Photos take more memory and time.
    private const int MostPhotos = 25;
    private const int PhotoPixels = 20_000;

    /// <summary>The ranges of a set, in order.</summary>
    public static IReadOnlyList<ImageRange> Of(ImageSet set)
    {
        int length = set.Shape.Pixels < PhotoPixels ? MostImages : MostPhotos;
        return
        [
            .. Enumerable
                .Range(0, Workers.PieceCount(set.Count, length))
                .Select(i => new ImageRange(i * length, Math.Min(length, set.Count - (i * length)))),
        ];
    }

    /// <inheritdoc/>
    public override string ToString() => $"images {First} to {First + Count - 1}";
}
