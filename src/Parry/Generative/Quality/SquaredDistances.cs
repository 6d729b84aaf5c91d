using Parry.Torch;

namespace Parry.Generative.Quality;

/// <summary>Squared Euclidean distances as one matrix product: |a|² + |b|² - 2ab, in float64, where the cancellation does no harm.</summary>
internal static class SquaredDistances
{
    /// <summary>Distances [N, M] of every row of one set [N, D] to every row of another [M, D].</summary>
    public static Tensor Between(Tensor rows, Tensor others) => rows.MatMul(others.Transpose(0, 1)).MulInPlace(-2)
        .AddInPlace(rows.Pow(2).Sum([1], keep: true)).AddInPlace(others.Pow(2).Sum([1])).ClampInPlace(0, double.PositiveInfinity);

    /// <summary>The same within a set, for its rows [from, to): [to - from, N], where a row is infinitely far from itself.</summary>
    public static Tensor Within(Tensor set, int from, int to) =>
        Between(set.Slice(0, from, to), set).Scatter(1, Tensor.Range(to).Slice(0, from, to).Unsqueeze(1), double.PositiveInfinity);

    /// <summary>Images [N, C, H, W] as rows [N, pixels] in float64.</summary>
    public static Tensor Rows(Tensor images) => images.Reshape(images.Size(0), -1).To(DType.Float64);
}
