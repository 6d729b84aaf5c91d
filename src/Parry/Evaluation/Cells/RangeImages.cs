using Parry.Attacks.Building;
using Parry.Data;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>The clean images of a range as tensors.</summary>
/// <param name="First">The number of the first image's sample.</param>
/// <param name="Pixels">[N, C, H, W] in [0, 1].</param>
/// <param name="Labels">The true classes, [N] int64.</param>
/// <param name="Truth">The true classes again, as an array.</param>
internal sealed record RangeImages(int First, Tensor Pixels, Tensor Labels, long[] Truth)
{
    private readonly long[] _samples = [.. Truth.Select((_, i) => (long)First + i)];

    public int Count => Truth.Length;

    /// <summary>The images with their samples.</summary>
    public Images Clean => With(Pixels);

    public static RangeImages Of(ImageSet set) => Of(set, new ImageRange(0, set.Count));

    public static RangeImages Of(ImageSet set, ImageRange range)
    {
        ImageSet some = set.Slice(range.First, range.Count);
        Tensor labels = some.LabelTensor();
        return new RangeImages(range.First, some.ImageTensor(), labels, labels.ToArray<long>());
    }

    /// <summary>Other images of the same samples.</summary>
    public Images With(Tensor pixels) => new(pixels, _samples);

    /// <summary>Some of the rows.</summary>
    public Images At(long[] rows) => new(Pixels.At(rows), SamplesAt(rows));

    /// <summary>The samples of some rows.</summary>
    public long[] SamplesAt(long[] rows) => _samples.At(rows);
}
