using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Quality;

/// <summary>
/// The birthday paradox test (Arora and Zhang, 2017, 1706.08224): a generator that can draw N images repeats one among
/// about √N samples. It holds the closest pair, in pixels, of each batch of samples.
/// </summary>
/// <remarks>
/// Deviation: in the paper a person decides which pairs are duplicates; here a distance does, such as one below which
/// no two real images are.
/// </remarks>
/// <param name="BatchSize">s: the number of samples in a batch.</param>
/// <param name="Pairs">The closest pair of each batch.</param>
public sealed record BirthdayParadox(int BatchSize, IReadOnlyList<ClosestPair> Pairs)
{
    /// <summary>The smallest distance of all.</summary>
    public double Smallest => Pairs.Min(pair => pair.Distance);

    /// <summary>The median of the batches' smallest distances.</summary>
    public double Median => Parry.Median.Of(Pairs.Select(pair => pair.Distance));

    /// <summary>Finds the pairs, on the workers. Samples that do not fill a batch are left out.</summary>
    /// <param name="samples">[N, C, H, W] in [0, 1].</param>
    /// <param name="batches">The number of batches.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="ArgumentException">There are fewer than two samples for a batch.</exception>
    public static BirthdayParadox Of(Tensor samples, int batches = 10, CancellationToken cancellation = default)
    {
        int size = (int)(samples.size(0) / batches);
        if (size < 2)
            throw new ArgumentException(
                $"expected at least {2 * batches} samples for {batches} batches, got {samples.size(0)}",
                nameof(samples)
            );
        return new BirthdayParadox(
            size,
            Workers.Shared.Map(
                batches,
                batch =>
                {
                    using var frozen = no_grad();
                    using var scope = NewDisposeScope();
                    Tensor rows = SquaredDistances.Rows(samples.slice(0, batch * size, (batch + 1) * size, 1));
                    Tensor distances = SquaredDistances.Within(rows, 0, size).reshape(-1);
                    int closest = (int)distances.argmin(0).Item();
                    return new ClosestPair(
                        (batch * size) + (closest / size),
                        (batch * size) + (closest % size),
                        Math.Sqrt(distances.select(0, closest).Item())
                    );
                },
                cancellation
            )
        );
    }

    /// <summary>The share of batches that hold a pair closer than a distance.</summary>
    public double ShareBelow(double distance) => Pairs.Count(pair => pair.Distance < distance) / (double)Pairs.Count;

    /// <summary>
    /// The number of images that a generator can draw, if it draws all equally often and a batch of s holds a duplicate
    /// with probability p: s² / (2 ln(1 / (1 - p))). Null if p is 0 or 1, which only tells that the number is larger or
    /// smaller than about s².
    /// </summary>
    public static double? Support(int batchSize, double share) =>
        share is > 0 and < 1 ? (double)batchSize * batchSize / (-2 * Math.Log(1 - share)) : null;
}

/// <summary>Two samples of a batch.</summary>
/// <param name="First">The position of one.</param>
/// <param name="Second">The position of the other.</param>
/// <param name="Distance">Their Euclidean distance, pixels in [0, 1].</param>
public sealed record ClosestPair(int First, int Second, double Distance);
