using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Quality;

/// <summary>
/// Measures fidelity and diversity apart, with balls around samples that reach to their k-th nearest neighbor:
/// precision and recall (Kynkäänniemi et al., 2019, 1904.06991), density and coverage (Naeem et al., 2020, 2002.09797).
/// </summary>
/// <param name="Precision">The share of drawn samples inside some ball of a real one.</param>
/// <param name="Recall">The share of real samples inside some ball of a drawn one.</param>
/// <param name="Density">The mean number of balls of real samples that a drawn one is in, divided by k; it may exceed
/// 1.</param>
/// <param name="Coverage">The share of real samples whose ball holds a drawn one.</param>
public sealed record PrecisionRecall(double Precision, double Recall, double Density, double Coverage)
{
    private const int RowsAtOnce = 250;

    /// <summary>
    /// Measures in pieces on the workers. Memory grows with the size of one set, not with the product of both, and the
    /// number of workers does not change the result.
    /// </summary>
    /// <param name="real">Features [N, D], float64.</param>
    /// <param name="drawn">Features [M, D], float64.</param>
    /// <param name="neighbors">k, below N and M; a sample is not its own neighbor.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    /// <exception cref="ArgumentException">The features differ in length, or are too few.</exception>
    public static PrecisionRecall Of(
        Tensor real,
        Tensor drawn,
        int neighbors = 5,
        CancellationToken cancellation = default
    )
    {
        if (real.size(1) != drawn.size(1) || neighbors < 1 || Math.Min(real.size(0), drawn.size(0)) <= neighbors)
            throw new ArgumentException(
                $"expected more than {neighbors} features of one length in each set, got {real.Describe()} and "
                    + $"{drawn.Describe()}"
            );
        using Tensor realRadii = Radii(real, neighbors, cancellation);
        using Tensor drawnRadii = Radii(drawn, neighbors, cancellation);
        int count = (int)real.size(0);
        var parts = Workers.Shared.MapRows(
            count,
            RowsAtOnce,
            (from, to) =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                Tensor distances = SquaredDistances.Between(real.slice(0, from, to, 1), drawn);
                Tensor inReal = distances < realRadii.slice(0, from, to, 1).unsqueeze(1);
                Tensor inDrawn = distances < drawnRadii;
                return (
                    Balls: inReal.sum(dim: 0).ToArray<long>(),
                    Covered: NotEmpty(inReal),
                    Recalled: NotEmpty(inDrawn)
                );
            },
            cancellation
        );
        var balls = new long[drawn.size(0)];
        foreach (var part in parts)
        {
            for (int i = 0; i < balls.Length; i++)
                balls[i] += part.Balls[i];
        }

        return new PrecisionRecall(
            balls.Count(number => number > 0) / (double)balls.Length,
            parts.Sum(part => part.Recalled) / (double)count,
            balls.Sum() / (double)balls.Length / neighbors,
            parts.Sum(part => part.Covered) / (double)count
        );
    }

    // The squared distance of each row to its k-th nearest neighbor.
    private static Tensor Radii(Tensor set, int neighbors, CancellationToken cancellation)
    {
        double[][] parts = Workers.Shared.MapRows(
            (int)set.size(0),
            RowsAtOnce,
            (from, to) =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                Tensor distances = SquaredDistances.Within(set, from, to);
                Tensor nearest = distances.topk(neighbors, dim: 1, largest: false).values;
                return nearest.select(1, neighbors - 1).ToArray<double>();
            },
            cancellation
        );
        return tensor((double[])[.. parts.SelectMany(part => part)]);
    }

    private static long NotEmpty(Tensor rows) => rows.any(1).sum().ToArray<long>()[0];
}
