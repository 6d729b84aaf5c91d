namespace Parry.Data;

/// <summary>
/// Cuts the indices 0 to <paramref name="Count"/> - 1 into batches, shuffled again in each epoch. The order depends on
/// the seed and the epoch alone, so a run that resumes at epoch E sees the same batches as a run without a break.
/// </summary>
/// <param name="Count">Number of samples, at least 1.</param>
/// <param name="BatchSize">Samples in a batch, at least 1.</param>
/// <param name="Seed">Seed of the shuffling.</param>
/// <param name="DropLast">Whether a last batch with fewer samples is left out.</param>
public sealed record ShuffledBatches(int Count, int BatchSize, ulong Seed, bool DropLast = false)
{
    /// <summary>Number of samples, at least 1.</summary>
    public int Count { get; } =
        Count >= 1 ? Count : throw new ArgumentOutOfRangeException(nameof(Count), Count, "expected at least 1 sample");

    /// <summary>Samples in a batch, at least 1.</summary>
    public int BatchSize { get; } =
        BatchSize >= 1
            ? BatchSize
            : throw new ArgumentOutOfRangeException(
                nameof(BatchSize),
                BatchSize,
                "expected at least 1 sample in a batch"
            );

    /// <summary>Number of batches in an epoch.</summary>
    public int BatchesPerEpoch => (Count / BatchSize) + (!DropLast && Count % BatchSize > 0 ? 1 : 0);

    /// <summary>The batches of an epoch, numbered from 0, as indices of samples.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="epoch"/> is negative.</exception>
    public IEnumerable<int[]> Epoch(int epoch)
    {
        var order = Permutation(Count, Seed, epoch);
        return Enumerable
            .Range(0, BatchesPerEpoch)
            .Select(batch => order[(batch * BatchSize)..Math.Min(Count, (batch + 1) * BatchSize)]);
    }

    /// <summary>
    /// The numbers 0 to <paramref name="count"/> - 1 in the order of the epoch (Fisher-Yates on SplitMix64).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> or <paramref name="epoch"/> is
    /// negative.</exception>
    public static int[] Permutation(int count, ulong seed, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);

        // Two rounds of mixing keep the streams of neighboring seeds and epochs apart.
        var random = new SplitMix64(new SplitMix64(new SplitMix64(seed).Next() + (ulong)epoch).Next());
        var order = Enumerable.Range(0, count).ToArray();
        for (var i = count - 1; i > 0; i--)
        {
            var j = random.Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }
}
