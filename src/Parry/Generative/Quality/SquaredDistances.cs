using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Quality;

/// <summary>
/// Squared Euclidean distances with one matrix product, |a|² + |b|² - 2ab, in float64, where cancellation is harmless.
/// </summary>
internal static class SquaredDistances
{
    /// <summary>Distances [N, M] of every row of one set [N, D] to every row of another [M, D].</summary>
    public static Tensor Between(Tensor rows, Tensor others)
    {
        Tensor first = rows.pow(2).sum(1, true);
        Tensor second = others.pow(2).sum(1);
        Tensor products = rows.mm(others.transpose(0, 1));
        // In place, because the matrix may be large.
        return products.mul_(-2).add_(first).add_(second).clamp_(0, double.PositiveInfinity);
    }

    /// <summary>
    /// Distances [to - from, N] of the rows [from, to) of a set to all its rows. Each row is infinitely far from
    /// itself.
    /// </summary>
    public static Tensor Within(Tensor set, int from, int to) =>
        Between(set.slice(0, from, to, 1), set)
            .ScatterValue(1, arange(to, ScalarType.Int64).slice(0, from, to, 1).unsqueeze(1), double.PositiveInfinity);

    /// <summary>Images [N, C, H, W] as rows [N, pixels] in float64.</summary>
    public static Tensor Rows(Tensor images) => images.reshape(images.size(0), -1).to(ScalarType.Float64);
}
