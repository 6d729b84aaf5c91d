namespace Parry.Torch;

/// <content>What networks from elsewhere need beyond Parry's own: layers with all their settings, rarer functions.</content>
public sealed partial class Tensor
{
    private static readonly Operator s_convolution = new("convolution");
    private static readonly Operator s_layerNorm = new("layer_norm");
    private static readonly Operator s_pad = new("pad");
    private static readonly Operator s_einsum = new("einsum");
    private static readonly Operator s_flip = new("flip");
    private static readonly Operator s_erf = new("erf");
    private static readonly Operator s_sin = new("sin");
    private static readonly Operator s_cos = new("cos");
    private static readonly Operator s_ceil = new("ceil");
    private static readonly Operator s_reciprocal = new("reciprocal");
    private static readonly Operator s_powTensor = new("pow.Tensor_Tensor");
    private static readonly Operator s_divMode = new("div.Tensor_mode");
    private static readonly Operator s_remainder = new("remainder.Tensor");
    private static readonly Operator s_fmod = new("fmod.Tensor");
    private static readonly Operator s_prod = new("prod.dim_int");
    private static readonly Operator s_elu = new("elu");
    private static readonly Operator s_gelu = new("gelu");
    private static readonly Operator s_hardswish = new("hardswish");
    private static readonly Operator s_mish = new("mish");

    /// <summary>Convolution, or transposed convolution, over one to three dimensions with every setting by dimension.</summary>
    public Tensor Convolution(Tensor weight, Tensor? bias, long[] stride, long[] padding, long[] dilation, long groups, bool transposed = false, long[]? outputPadding = null) =>
        s_convolution.Call(this, weight, bias, stride, padding, dilation, transposed, outputPadding ?? new long[stride.Length], groups);

    /// <summary>Largest value of each window of [N, C, H, W].</summary>
    public Tensor MaxPool2d(long[] kernel, long[] stride, long[] padding, long[] dilation, bool ceil) => s_maxPool2d.Call(this, kernel, stride, padding, dilation, ceil);

    /// <summary>Mean of each window of [N, C, H, W]; with a divisor, the sum divided by it.</summary>
    public Tensor AvgPool2d(long[] kernel, long[] stride, long[] padding, bool ceil, bool countPadding, long? divisor = null) =>
        s_avgPool2d.Call(this, kernel, stride, padding, ceil, countPadding, divisor is { } number ? number : Value.None);

    /// <summary>Normalization over the last dimensions.</summary>
    public Tensor LayerNorm(long[] shape, Tensor? weight, Tensor? bias, double epsilon) => s_layerNorm.Call(this, shape, weight, bias, epsilon);

    /// <summary>Padding as constant_pad_nd takes sizes, last dimension first, by <c>reflect</c> or <c>replicate</c>.</summary>
    public Tensor Pad(long[] sizes, string mode) => s_pad.Call(this, sizes, mode, Value.None);

    /// <summary>A sum of products in Einstein's notation.</summary>
    public static Tensor Einsum(string equation, Tensor[] operands) => s_einsum.Call(equation, operands);

    /// <summary>The order of some dimensions turned around.</summary>
    public Tensor Flip(params long[] dimensions) => s_flip.Call(this, dimensions);

    /// <summary>The error function.</summary>
    public Tensor Erf() => s_erf.Call(this);

    /// <summary>The sine.</summary>
    public Tensor Sin() => s_sin.Call(this);

    /// <summary>The cosine.</summary>
    public Tensor Cos() => s_cos.Call(this);

    /// <summary>The smallest integer from x on.</summary>
    public Tensor Ceil() => s_ceil.Call(this);

    /// <summary>1 / x.</summary>
    public Tensor Reciprocal() => s_reciprocal.Call(this);

    /// <summary>This to the power of other.</summary>
    public Tensor Pow(Tensor exponent) => s_powTensor.Call(this, exponent);

    /// <summary>The quotient without its fraction, as C divides integers.</summary>
    public Tensor DivTruncated(Tensor other) => s_divMode.Call(this, other, "trunc");

    /// <summary>The remainder, with the divisor's sign.</summary>
    public Tensor Remainder(Tensor other) => s_remainder.Call(this, other);

    /// <summary>The remainder, with the dividend's sign.</summary>
    public Tensor TruncatedRemainder(Tensor other) => s_fmod.Call(this, other);

    /// <summary>The product over one dimension.</summary>
    public Tensor Product(long dimension, bool keep = false) => s_prod.Call(this, dimension, keep);

    /// <summary>scale · (x above zero, alpha · (exp(x · inputScale) - 1) below).</summary>
    public Tensor Elu(double alpha, double scale = 1, double inputScale = 1) => s_elu.Call(this, alpha, scale, inputScale);

    /// <summary>x · Φ(x), exact or by <c>tanh</c>.</summary>
    public Tensor Gelu(bool tanh = false) => s_gelu.Call(this, tanh ? "tanh" : "none");

    /// <summary>x · relu6(x + 3) / 6.</summary>
    public Tensor HardSwish() => s_hardswish.Call(this);

    /// <summary>x · tanh(softplus(x)).</summary>
    public Tensor Mish() => s_mish.Call(this);
}
