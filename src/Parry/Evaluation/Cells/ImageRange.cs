namespace Parry.Evaluation.Cells;

/// <summary>
/// Neighboring images of a set, which are measured together. Ranges are cut at fixed places, so that what is measured
/// of an image does not depend on who measures it, or when.
/// </summary>
/// <param name="First">The number of the first image.</param>
/// <param name="Count">The number of images.</param>
internal readonly record struct ImageRange(int First, int Count)
{
    private const int Length = 100;

    /// <summary>The ranges of a set, in order.</summary>
    public static IReadOnlyList<ImageRange> Of(int images) =>
        [
            .. Enumerable
                .Range(0, (images + Length - 1) / Length)
                .Select(i => new ImageRange(i * Length, Math.Min(Length, images - (i * Length)))),
        ];

    /// <inheritdoc/>
    public override string ToString() => $"images {First} to {First + Count - 1}";
}
