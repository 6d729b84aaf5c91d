using static TorchSharp.torch;

namespace Parry.Runtime;

/// <summary>
/// PyTorch's <c>matmul</c>, built from products that report errors as exceptions; TorchSharp's own ends the process on
/// any error.
/// </summary>
internal static class MatrixProduct
{
    /// <summary>Multiplies vectors, matrices, or batches of matrices with broadcasting.</summary>
    public static Tensor Of(Tensor left, Tensor right)
    {
        int leftRank = left.shape.Length;
        int rightRank = right.shape.Length;
        if (leftRank == 0 || rightRank == 0)
            throw new ArgumentException(
                $"expected vectors or matrices for a matrix product, got {left.Describe()} and {right.Describe()}"
            );
        if (leftRank == 1)
            return Of(left.unsqueeze(0), right).squeeze(rightRank == 1 ? 0 : -2);
        if (rightRank == 1)
            return Of(left, right.unsqueeze(1)).squeeze(-1);
        if (leftRank == 2 && rightRank == 2)
            return left.mm(right);
        if (rightRank == 2)
        {
            Tensor rows = left.reshape(-1, left.size(-1)).mm(right);
            return rows.reshape([.. left.shape[..^1], right.size(1)]);
        }

        long[] batch = Broadcast(left.shape[..^2], right.shape[..^2]);
        Tensor lefts = left.expand([.. batch, left.size(-2), left.size(-1)]).reshape(-1, left.size(-2), left.size(-1));
        Tensor rights = right
            .expand([.. batch, right.size(-2), right.size(-1)])
            .reshape(-1, right.size(-2), right.size(-1));
        return lefts.bmm(rights).reshape([.. batch, left.size(-2), right.size(-1)]);
    }

    private static long[] Broadcast(long[] left, long[] right)
    {
        int rank = Math.Max(left.Length, right.Length);
        var shape = new long[rank];
        for (int i = 1; i <= rank; i++)
        {
            long a = i <= left.Length ? left[^i] : 1;
            long b = i <= right.Length ? right[^i] : 1;
            shape[^i] = a == 1 ? b : a;
        }

        return shape;
    }
}
