namespace Parry.Torch;

/// <content>Picking and placing entries.</content>
public sealed partial class Tensor
{
    private static readonly Operator s_indexSelect = new("index_select");
    private static readonly Operator s_gather = new("gather");
    private static readonly Operator s_scatterValue = new("scatter.value");
    private static readonly Operator s_scatterSource = new("scatter.src");
    private static readonly Operator s_indexCopy = new("index_copy");
    private static readonly Operator s_maskedFillScalar = new("masked_fill.Scalar");
    private static readonly Operator s_nonzero = new("nonzero");
    private static readonly Operator s_oneHot = new("one_hot");

    /// <summary>Entries of a dimension by index (int64).</summary>
    public Tensor IndexSelect(int dimension, Tensor indices) => s_indexSelect.Call(this, dimension, indices);

    /// <summary>One entry along a dimension for each index.</summary>
    public Tensor Gather(int dimension, Tensor indices) => s_gather.Call(this, dimension, indices);

    /// <summary>A copy with a value placed along a dimension at each index.</summary>
    public Tensor Scatter(int dimension, Tensor indices, double value) => s_scatterValue.Call(this, dimension, indices, value);

    /// <summary>A copy with elements of the source placed along a dimension at each index.</summary>
    public Tensor Scatter(int dimension, Tensor indices, Tensor source) => s_scatterSource.Call(this, dimension, indices, source);

    /// <summary>A copy in which entries of a dimension are replaced.</summary>
    public Tensor IndexCopy(int dimension, Tensor indices, Tensor source) => s_indexCopy.Call(this, dimension, indices, source);

    /// <summary>A copy with a value where the mask (bool) holds.</summary>
    public Tensor MaskedFill(Tensor mask, double value) => s_maskedFillScalar.Call(this, mask, value);

    /// <summary>The coordinates of true or non-zero elements, [count, dimensions] (int64).</summary>
    public Tensor NonZero() => s_nonzero.Call(this);

    /// <summary>One-hot encoding of int64 labels.</summary>
    public Tensor OneHot(long classes) => s_oneHot.Call(this, classes);
}
