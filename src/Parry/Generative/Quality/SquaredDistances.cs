using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Quality;

/// <summary>
/// Squared Euclidean distances as one matrix product: |a|² + |b|² - 2ab, in float64, where the cancellation does no
/// harm.
/// </summary>
internal static class SquaredDistances
{
    /// <summary>Distances [N, M] of every row of one set [N, D] to every row of another [M, D].</summary>
    public static Tensor Between(Tensor rows, Tensor others) =>
        rows.mm(others.transpose(0, 1))
            .mul_(-2.0)
            .add_(rows.pow(2.0).sum(1, true))
            .add_(others.pow(2.0).sum(1))
            .clamp_(0.0, double.PositiveInfinity);

    /// <summary>
    /// The same within a set, for its rows [from, to): [to - from, N], where a row is infinitely far from itself.
    /// </summary>
    public static Tensor Within(Tensor set, int from, int to) =>
        Between(set.slice(0, from, to, 1), set)
            .ScatterValue(1, arange(to, ScalarType.Int64).slice(0, from, to, 1).unsqueeze(1), double.PositiveInfinity);

    /// <summary>Images [N, C, H, W] as rows [N, pixels] in float64.</summary>
    public static Tensor Rows(Tensor images) => images.reshape(images.size(0), -1).to(ScalarType.Float64);
}
