namespace Parry.Torch;

/// <content>Changes of the tensor itself, for optimizers and other hot loops; each returns the tensor.</content>
public sealed partial class Tensor
{
    private static readonly Operator s_addInPlace = new("add_.Tensor");
    private static readonly Operator s_addScalarInPlace = new("add_.Scalar");
    private static readonly Operator s_mulInPlace = new("mul_.Tensor");
    private static readonly Operator s_mulScalarInPlace = new("mul_.Scalar");
    private static readonly Operator s_clampInPlace = new("clamp_");
    private static readonly Operator s_copyInPlace = new("copy_");
    private static readonly Operator s_zeroInPlace = new("zero_");
    private static readonly Operator s_addcmulInPlace = new("addcmul_");
    private static readonly Operator s_addcdivInPlace = new("addcdiv_");
    private static readonly Operator s_indexCopyInPlace = new("index_copy_");
    private static readonly Operator s_scatterInPlace = new("scatter_.src");
    private static readonly Operator s_uniformInPlace = new("uniform_");
    private static readonly Operator s_normalInPlace = new("normal_");
    private static readonly Operator s_setData = new("set_data");

    /// <summary>Adds scale · other.</summary>
    public Tensor AddInPlace(Tensor other, double scale = 1) => Apply(s_addInPlace, this, other, scale);

    /// <summary>Adds a number.</summary>
    public Tensor AddInPlace(double number) => Apply(s_addScalarInPlace, this, number);

    /// <summary>Multiplies elementwise.</summary>
    public Tensor MulInPlace(Tensor other) => Apply(s_mulInPlace, this, other);

    /// <summary>Multiplies by a number.</summary>
    public Tensor MulInPlace(double number) => Apply(s_mulScalarInPlace, this, number);

    /// <summary>Limits every element to [minimum, maximum].</summary>
    public Tensor ClampInPlace(double minimum, double maximum) => Apply(s_clampInPlace, this, minimum, maximum);

    /// <summary>Takes over another tensor's elements, converting them.</summary>
    public Tensor CopyInPlace(Tensor source) => Apply(s_copyInPlace, this, source);

    /// <summary>Sets every element to zero.</summary>
    public Tensor ZeroInPlace() => Apply(s_zeroInPlace, this);

    /// <summary>Adds scale · first · second.</summary>
    public Tensor AddProductInPlace(Tensor first, Tensor second, double scale = 1) => Apply(s_addcmulInPlace, this, first, second, scale);

    /// <summary>Adds scale · first / second.</summary>
    public Tensor AddQuotientInPlace(Tensor first, Tensor second, double scale = 1) => Apply(s_addcdivInPlace, this, first, second, scale);

    /// <summary>Replaces entries of a dimension.</summary>
    public Tensor IndexCopyInPlace(int dimension, Tensor indices, Tensor source) => Apply(s_indexCopyInPlace, this, dimension, indices, source);

    /// <summary>Places the source's elements along a dimension, each at its index (int64, of the source's shape).</summary>
    public Tensor ScatterInPlace(int dimension, Tensor indices, Tensor source) => Apply(s_scatterInPlace, this, dimension, indices, source);

    /// <summary>Fills it with draws from the uniform distribution on [minimum, maximum).</summary>
    public Tensor UniformInPlace(double minimum, double maximum, Generator generator) => Apply(s_uniformInPlace, this, minimum, maximum, generator);

    /// <summary>Fills it with draws from a normal distribution.</summary>
    public Tensor NormalInPlace(double mean, double deviation, Generator generator) => Apply(s_normalInPlace, this, mean, deviation, generator);

    // Takes over another tensor's elements, type and device without a new handle, so whoever holds this one sees the change.
    internal void Become(Tensor other) => Apply(s_setData, this, other).Changed();

    private Tensor Apply(Operator op, params ReadOnlySpan<Value> arguments)
    {
        op.CallInPlace(arguments);
        return this;
    }
}
