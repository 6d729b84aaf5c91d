namespace Parry.Torch;

/// <content>New tensors.</content>
public sealed partial class Tensor
{
    private static readonly Operator s_zeros = new("zeros");
    private static readonly Operator s_ones = new("ones");
    private static readonly Operator s_full = new("full");
    private static readonly Operator s_emptyMemoryFormat = new("empty.memory_format");
    private static readonly Operator s_arange = new("arange");
    private static readonly Operator s_zerosLike = new("zeros_like");
    private static readonly Operator s_onesLike = new("ones_like");
    private static readonly Operator s_randnGenerator = new("randn.generator");
    private static readonly Operator s_randGenerator = new("rand.generator");
    private static readonly Operator s_bernoulliP = new("bernoulli.p");

    /// <summary>Zeros.</summary>
    public static Tensor Zeros(long[] shape, DType type = DType.Float32) => s_zeros.Call(shape, type);

    /// <summary>Ones.</summary>
    public static Tensor Ones(long[] shape, DType type = DType.Float32) => s_ones.Call(shape, type);

    /// <summary>One value everywhere.</summary>
    public static Tensor Full(long[] shape, double value, DType type = DType.Float32) => s_full.Call(shape, value, type);

    /// <summary>Uninitialized elements.</summary>
    public static Tensor Empty(long[] shape, DType type = DType.Float32, MemoryFormat format = MemoryFormat.Contiguous) => s_emptyMemoryFormat.Call(shape, type, Value.None, Value.None, Value.None, format);

    /// <summary>0, 1, … below the end (int64).</summary>
    public static Tensor Range(long end) => s_arange.Call(end, DType.Int64);

    /// <summary>Zeros like this tensor.</summary>
    public Tensor ZerosLike() => s_zerosLike.Call(this);

    /// <summary>Ones like this tensor.</summary>
    public Tensor OnesLike() => s_onesLike.Call(this);

    /// <summary>Draws from the standard normal distribution.</summary>
    public static Tensor Normal(long[] shape, Generator generator) => s_randnGenerator.Call(shape, generator);

    /// <summary>Draws from the uniform distribution on [0, 1).</summary>
    public static Tensor Uniform(long[] shape, Generator generator) => s_randGenerator.Call(shape, generator);

    /// <summary>1 with a probability, else 0, in this tensor's shape.</summary>
    public Tensor Bernoulli(double probability, Generator generator) => s_bernoulliP.Call(this, probability, generator);
}
