namespace Parry.Torch;

/// <content>Sums, means, extremes, norms, orders.</content>
public sealed partial class Tensor
{
    private static readonly Operator s_sum = new("sum");
    private static readonly Operator s_sumDimIntList = new("sum.dim_IntList");
    private static readonly Operator s_mean = new("mean");
    private static readonly Operator s_meanDim = new("mean.dim");
    private static readonly Operator s_amax = new("amax");
    private static readonly Operator s_amin = new("amin");
    private static readonly Operator s_argmax = new("argmax");
    private static readonly Operator s_argmin = new("argmin");
    private static readonly Operator s_topk = new("topk");
    private static readonly Operator s_argsort = new("argsort");
    private static readonly Operator s_linalgVectorNorm = new("linalg_vector_norm");
    private static readonly Operator s_any = new("any");
    private static readonly Operator s_all = new("all");
    private static readonly Operator s_sort = new("sort");
    private static readonly Operator s_softmaxInt = new("softmax.int");
    private static readonly Operator s_logSoftmaxInt = new("log_softmax.int");
    private static readonly Operator s_logsumexp = new("logsumexp");
    private static readonly Operator s_cumsum = new("cumsum");

    /// <summary>Sum of all elements.</summary>
    public Tensor Sum() => s_sum.Call(this);

    /// <summary>Sum over dimensions.</summary>
    public Tensor Sum(long[] dimensions, bool keep = false) => s_sumDimIntList.Call(this, dimensions, keep);

    /// <summary>Sum over dimensions, accumulated and given in another element type.</summary>
    public Tensor Sum(long[] dimensions, DType type, bool keep = false) => s_sumDimIntList.Call(this, dimensions, keep, type);

    /// <summary>Mean of all elements.</summary>
    public Tensor Mean() => s_mean.Call(this);

    /// <summary>Mean over dimensions.</summary>
    public Tensor Mean(long[] dimensions, bool keep = false) => s_meanDim.Call(this, dimensions, keep);

    /// <summary>Largest element over dimensions.</summary>
    public Tensor Amax(long[] dimensions, bool keep = false) => s_amax.Call(this, dimensions, keep);

    /// <summary>Smallest element over dimensions.</summary>
    public Tensor Amin(long[] dimensions, bool keep = false) => s_amin.Call(this, dimensions, keep);

    /// <summary>Where the largest element of a dimension is (int64).</summary>
    public Tensor ArgMax(int dimension, bool keep = false) => s_argmax.Call(this, dimension, keep);

    /// <summary>Where the smallest element of a dimension is (int64).</summary>
    public Tensor ArgMin(int dimension, bool keep = false) => s_argmin.Call(this, dimension, keep);

    /// <summary>Where the largest elements of a dimension are, the largest first (int64).</summary>
    public Tensor ArgTop(long count, int dimension)
    {
        Tensor?[] found = s_topk.CallMany(this, count, dimension);
        found[0]!.Dispose();
        return found[1]!;
    }

    /// <summary>Where the elements of a dimension are, smallest first (int64).</summary>
    public Tensor ArgSort(int dimension) => s_argsort.Call(this, dimension);

    /// <summary>The p-norm over dimensions; infinity is the largest absolute value.</summary>
    public Tensor Norm(double p, long[] dimensions, bool keep = false) => s_linalgVectorNorm.Call(this, p, dimensions, keep);

    /// <summary>Whether any element is true.</summary>
    public Tensor Any() => s_any.Call(this);

    /// <summary>Whether all elements are true.</summary>
    public Tensor All() => s_all.Call(this);

    /// <summary>The elements of a dimension in order, and where they were (int64).</summary>
    public (Tensor Values, Tensor Indices) Sort(int dimension, bool descending = false)
    {
        Tensor?[] sorted = s_sort.CallMany(this, dimension, descending);
        return (sorted[0]!, sorted[1]!);
    }

    /// <summary>Softmax along a dimension.</summary>
    public Tensor Softmax(int dimension = -1) => s_softmaxInt.Call(this, dimension);

    /// <summary>Logarithm of the softmax along a dimension.</summary>
    public Tensor LogSoftmax(int dimension = -1) => s_logSoftmaxInt.Call(this, dimension);

    /// <summary>log(sum(exp)) over dimensions, computed stably.</summary>
    public Tensor LogSumExp(long[] dimensions, bool keep = false) => s_logsumexp.Call(this, dimensions, keep);

    /// <summary>The largest elements along a dimension, in descending order, and where they are (int64).</summary>
    public (Tensor Values, Tensor Indices) TopK(long count, int dimension = -1) => s_topk.CallMany(this, count, dimension) is [{ } values, { } indices] ? (values, indices) : throw new InvalidOperationException("topk gives two tensors.");

    /// <summary>Sums of the elements up to and with each one along a dimension.</summary>
    public Tensor CumulativeSum(int dimension = -1) => s_cumsum.Call(this, dimension);
}
