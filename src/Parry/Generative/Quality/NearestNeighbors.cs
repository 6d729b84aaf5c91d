using Parry.Data;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Quality;

/// <summary>
/// The images of a set that are nearest to samples, in pixels. A generator whose samples are closer to its training
/// images than new real images are has memorized them.
/// </summary>
/// <param name="Distances">The Euclidean distance of each sample to its neighbor, pixels in [0, 1].</param>
/// <param name="Indices">The index of that neighbor in the set.</param>
public sealed record NearestNeighbors(IReadOnlyList<double> Distances, IReadOnlyList<int> Indices)
{
    private const int ImagesAtOnce = 1000;

    /// <summary>The median of the distances.</summary>
    public double Median => Parry.Median.Of(Distances);

    /// <summary>Searches in pieces of the set on the workers; of equally near images the first counts.</summary>
    /// <param name="samples">[N, C, H, W] in [0, 1].</param>
    /// <param name="among">The set, such as a generator's training images.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    /// <exception cref="ArgumentException">The samples are of another shape than the set's images.</exception>
    public static NearestNeighbors Of(Tensor samples, ImageSet among, CancellationToken cancellation = default)
    {
        if (samples.numel() != samples.size(0) * among.Shape.Pixels)
            throw new ArgumentException($"expected images of {among.Shape}, got {samples.Describe()}", nameof(samples));
        using var outer = NewDisposeScope();
        Tensor rows = SquaredDistances.Rows(samples);
        var parts = Workers.Shared.MapRows(
            among.Count,
            ImagesAtOnce,
            (from, to) =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                Tensor images = among.Slice(from, to - from).ImageTensor();
                Tensor distances = SquaredDistances.Between(rows, SquaredDistances.Rows(images));
                Tensor nearest = distances.argmin(1);
                return (
                    Distances: distances.gather(1, nearest.unsqueeze(1)).ToArray<double>(),
                    Indices: Array.ConvertAll(nearest.ToArray<long>(), index => from + (int)index)
                );
            },
            cancellation
        );
        var best = Enumerable
            .Range(0, (int)samples.size(0))
            .Select(row =>
                parts
                    .Select(part => (Distance: part.Distances[row], Index: part.Indices[row]))
                    .MinBy(found => found.Distance)
            )
            .ToArray();
        return new NearestNeighbors(
            [.. best.Select(found => Math.Sqrt(found.Distance))],
            [.. best.Select(found => found.Index)]
        );
    }
}
