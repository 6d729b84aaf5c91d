namespace Parry.Torch;

/// <content>Shape, layout, type and device.</content>
public sealed partial class Tensor
{
    private static readonly Operator s_reshape = new("reshape");
    private static readonly Operator s_flattenUsingInts = new("flatten.using_ints");
    private static readonly Operator s_permute = new("permute");
    private static readonly Operator s_transposeInt = new("transpose.int");
    private static readonly Operator s_unsqueeze = new("unsqueeze");
    private static readonly Operator s_squeezeDim = new("squeeze.dim");
    private static readonly Operator s_expand = new("expand");
    private static readonly Operator s_repeatInterleaveSelfInt = new("repeat_interleave.self_int");
    private static readonly Operator s_repeat = new("repeat");
    private static readonly Operator s_sliceTensor = new("slice.Tensor");
    private static readonly Operator s_selectInt = new("select.int");
    private static readonly Operator s_cat = new("cat");
    private static readonly Operator s_stack = new("stack");
    private static readonly Operator s_contiguous = new("contiguous");
    private static readonly Operator s_clone = new("clone");
    private static readonly Operator s_detach = new("detach");
    private static readonly Operator s_alias = new("alias");
    private static readonly Operator s_toCopy = new("_to_copy");
    private static readonly Operator s_toDtype = new("to.dtype");
    private static readonly Operator s_toDtypeLayout = new("to.dtype_layout");
    private static readonly Operator s_constantPadNd = new("constant_pad_nd");

    /// <summary>The same elements in another shape; one size may be -1.</summary>
    public Tensor Reshape(params long[] shape) => s_reshape.Call(this, shape);

    /// <summary>Joins dimensions from one to another, inclusive.</summary>
    public Tensor Flatten(int from = 1, int to = -1) => s_flattenUsingInts.Call(this, from, to);

    /// <summary>Dimensions in another order.</summary>
    public Tensor Permute(params long[] order) => s_permute.Call(this, order);

    /// <summary>Exchanges two dimensions.</summary>
    public Tensor Transpose(int first, int second) => s_transposeInt.Call(this, first, second);

    /// <summary>Inserts a dimension of size one.</summary>
    public Tensor Unsqueeze(int dimension) => s_unsqueeze.Call(this, dimension);

    /// <summary>Drops a dimension of size one.</summary>
    public Tensor Squeeze(int dimension) => s_squeezeDim.Call(this, dimension);

    /// <summary>Repeats dimensions of size one without copying.</summary>
    public Tensor Expand(params long[] shape) => s_expand.Call(this, shape);

    /// <summary>Repeats each entry of a dimension, copies next to each other.</summary>
    public Tensor RepeatInterleave(long times, int dimension = 0) => s_repeatInterleaveSelfInt.Call(this, times, dimension);

    /// <summary>Repeats the whole tensor along its dimensions.</summary>
    public Tensor Repeat(params long[] times) => s_repeat.Call(this, times);

    /// <summary>Entries [start, end) of a dimension, without copying.</summary>
    public Tensor Slice(int dimension, long start, long end, long step = 1) => s_sliceTensor.Call(this, dimension, start, end, step);

    /// <summary>One entry of a dimension, without copying.</summary>
    public Tensor Select(int dimension, long index) => s_selectInt.Call(this, dimension, index);

    /// <summary>Joins tensors along a dimension.</summary>
    public static Tensor Cat(Tensor[] tensors, int dimension = 0) => s_cat.Call(tensors, dimension);

    /// <summary>Joins tensors along a new dimension.</summary>
    public static Tensor Stack(Tensor[] tensors, int dimension = 0) => s_stack.Call(tensors, dimension);

    /// <summary>The elements in a memory format; the tensor itself when they are so already.</summary>
    public Tensor Contiguous(MemoryFormat format = MemoryFormat.Contiguous) => s_contiguous.Call(this, format);

    /// <summary>A copy.</summary>
    public Tensor Clone() => s_clone.Call(this);

    /// <summary>The same elements, not followed by autograd.</summary>
    public Tensor Detach() => s_detach.Call(this);

    /// <summary>The same elements as a tensor that is freed on its own; autograd follows it.</summary>
    public Tensor Alias() => s_alias.Call(this);

    /// <summary>A copy of another element type.</summary>
    public Tensor CopyTo(DType type) => s_toCopy.Call(this, type);

    /// <summary>The tensor in another element type; itself when it is so already.</summary>
    public Tensor To(DType type) => s_toDtype.Call(this, type);

    /// <summary>The tensor on another device; itself when it is there already.</summary>
    public Tensor To(Device device) => s_toDtypeLayout.Call(this, Value.None, Value.None, device);

    /// <summary>Pads with a value; sizes come in pairs from the last dimension on, negative ones crop.</summary>
    public Tensor Pad(long[] sizes, double value = 0) => s_constantPadNd.Call(this, sizes, value);
}
