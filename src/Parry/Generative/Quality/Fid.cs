using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Quality;

/// <summary>
/// The Fréchet distance of two sets of features as if both were Gaussian (Heusel et al., 2017, 1706.08500):
/// |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^(1/2)). 0 for equal means and covariances.
/// </summary>
/// <remarks>
/// All in float64, with covariances divided by n - 1. The trace of the root is the sum of the roots of the eigenvalues
/// of C1^(1/2) C2 C1^(1/2), which is symmetric; eigenvalues that rounding makes negative count as 0. Few samples bias
/// the distance upward, so compare only numbers of the same sample count and the same feature network.
/// </remarks>
public static class Fid
{
    /// <summary>The number of samples below which the bias is too large to compare numbers.</summary>
    public const int FewestSamples = 5000;

    private const int RowsAtOnce = 1000;

    /// <summary>The distance.</summary>
    /// <param name="first">[N, D], float64; N at least 2.</param>
    /// <param name="second">[M, D], float64; M at least 2.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    /// <exception cref="ArgumentException">The features differ in length, or are too few.</exception>
    public static double Of(Tensor first, Tensor second, CancellationToken cancellation = default)
    {
        if (first.size(1) != second.size(1) || Math.Min(first.size(0), second.size(0)) < 2)
            throw new ArgumentException(
                $"expected two or more features of one length in each set, got {first.Describe()} and "
                    + $"{second.Describe()}"
            );
        var (firstMean, firstCovariance) = Moments(first, cancellation);
        var (secondMean, secondCovariance) = Moments(second, cancellation);
        return firstMean.Zip(secondMean, (a, b) => (a - b) * (a - b)).Sum()
            + Workers.Shared.Map(
                1,
                _ =>
                {
                    using var frozen = no_grad();
                    using var scope = NewDisposeScope();
                    int length = firstMean.Length;
                    Tensor one = tensor(firstCovariance, [length, length]);
                    Tensor two = tensor(secondCovariance, [length, length]);
                    var (values, vectors) = linalg.eigh(one);
                    Tensor root = (vectors * Root(values)).mm(vectors.transpose(0, 1));
                    Tensor product = Root(linalg.eigh(root.mm(two).mm(root)).Item1);
                    return Trace(firstCovariance, length)
                        + Trace(secondCovariance, length)
                        - (2 * product.sum().Item());
                },
                cancellation
            )[0];
    }

    private static Tensor Root(Tensor eigenvalues) => eigenvalues.clamp_min(0.0).sqrt();

    private static double Trace(double[] matrix, int length) =>
        Enumerable.Range(0, length).Sum(i => matrix[(i * length) + i]);

    // The mean, and the covariance in row-major order. Pieces have a fixed size and are added in order, so the number
    // of workers does not change the result.
    private static (double[] Mean, double[] Covariance) Moments(Tensor features, CancellationToken cancellation)
    {
        long count = features.size(0);
        double[] mean = Sum(features, rows => rows.sum(dim: 0), 1.0 / count, cancellation);
        using Tensor center = tensor(mean);
        double[] covariance = Sum(
            features,
            rows =>
            {
                Tensor centered = rows - center;
                return centered.transpose(0, 1).mm(centered);
            },
            1.0 / (count - 1),
            cancellation
        );
        return (mean, covariance);
    }

    private static double[] Sum(Tensor features, Func<Tensor, Tensor> of, double scale, CancellationToken cancellation)
    {
        double[][] parts = Workers.Shared.MapRows(
            (int)features.size(0),
            RowsAtOnce,
            (from, to) =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                return of(features.slice(0, from, to, 1)).ToArray<double>();
            },
            cancellation
        );
        var sum = new double[parts[0].Length];
        foreach (double[] part in parts)
        {
            for (int i = 0; i < sum.Length; i++)
                sum[i] += part[i];
        }

        return Array.ConvertAll(sum, value => value * scale);
    }
}
