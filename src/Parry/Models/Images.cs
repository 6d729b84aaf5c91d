using System.Collections.Concurrent;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// Images together with the samples they belong to. A meter counts by sample, and a randomized defense draws by sample,
/// so the samples travel with the pixels through every model and wrapper.
/// </summary>
/// <remarks>
/// Instances that come from one another by <see cref="With"/> and <see cref="Select"/> belong to one run. A random
/// model makes new draws at each call of a run, and repeats the same draws in another run.
/// </remarks>
public sealed class Images
{
    private readonly ConcurrentDictionary<object, long> _calls;

    /// <summary>Starts a run on images that belong to these samples.</summary>
    /// <param name="pixels">[N, C, H, W] in [0, 1].</param>
    /// <param name="samples">The sample of each row; several rows may be queries of one sample.</param>
    /// <exception cref="ArgumentException">The numbers of rows and samples differ.</exception>
    public Images(Tensor pixels, ReadOnlyMemory<long> samples)
        : this(pixels, samples, new()) { }

    private Images(Tensor pixels, ReadOnlyMemory<long> samples, ConcurrentDictionary<object, long> calls)
    {
        if (pixels.size(0) != samples.Length)
            throw new ArgumentException(
                $"Expected one sample for each of {pixels.size(0)} rows, got {samples.Length}.",
                nameof(samples)
            );
        (Pixels, Samples, _calls) = (pixels, samples, calls);
    }

    /// <summary>The images, [N, C, H, W] in [0, 1].</summary>
    public Tensor Pixels { get; }

    /// <summary>The sample of each row.</summary>
    public ReadOnlyMemory<long> Samples { get; }

    /// <summary>The number of rows.</summary>
    public int Count => Samples.Length;

    /// <summary>Starts a run on images that are the samples 0 to N - 1.</summary>
    /// <param name="pixels">[N, C, H, W] in [0, 1].</param>
    public static Images Of(Tensor pixels)
    {
        var samples = new long[pixels.size(0)];
        for (int row = 0; row < samples.Length; row++)
            samples[row] = row;
        return new Images(pixels, samples);
    }

    /// <summary>
    /// Makes other images of the same samples: one row for each, or the same number of consecutive rows for each.
    /// </summary>
    /// <param name="pixels">[N, C, H, W], or [N·k, C, H, W] where the first k rows belong to the first sample.</param>
    /// <exception cref="ArgumentException">The number of rows is not a multiple of the number of samples.</exception>
    public Images With(Tensor pixels)
    {
        long rows = pixels.size(0);
        if (rows == Count)
            return new Images(pixels, Samples, _calls);
        if (Count == 0 || rows % Count != 0)
            throw new ArgumentException(
                $"Expected {Count} rows, one for each sample, or a multiple of that, got {rows}; when samples leave, "
                    + "select the rows that stay.",
                nameof(pixels)
            );
        int each = (int)(rows / Count);
        var samples = new long[rows];
        for (int row = 0; row < rows; row++)
            samples[row] = Samples.Span[row / each];
        return new Images(pixels, samples, _calls);
    }

    /// <summary>Selects some of the rows.</summary>
    public Images Select(long[] rows) => new(Pixels.index_select(0, tensor(rows)), SamplesAt(rows), _calls);

    /// <summary>The number of a model's next call in this run, from 1.</summary>
    internal long NextCall(object model) => _calls.AddOrUpdate(model, 1, (_, calls) => calls + 1);

    private long[] SamplesAt(long[] rows) => Array.ConvertAll(rows, row => Samples.Span[(int)row]);
}
