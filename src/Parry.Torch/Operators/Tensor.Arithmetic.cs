namespace Parry.Torch;

/// <content>Elementwise arithmetic and functions.</content>
public sealed partial class Tensor
{
    private static readonly Operator s_addTensor = new("add.Tensor");
    private static readonly Operator s_addScalar = new("add.Scalar");
    private static readonly Operator s_subTensor = new("sub.Tensor");
    private static readonly Operator s_subScalar = new("sub.Scalar");
    private static readonly Operator s_rsubScalar = new("rsub.Scalar");
    private static readonly Operator s_mulTensor = new("mul.Tensor");
    private static readonly Operator s_mulScalar = new("mul.Scalar");
    private static readonly Operator s_divTensor = new("div.Tensor");
    private static readonly Operator s_divScalar = new("div.Scalar");
    private static readonly Operator s_neg = new("neg");
    private static readonly Operator s_abs = new("abs");
    private static readonly Operator s_sign = new("sign");
    private static readonly Operator s_sqrt = new("sqrt");
    private static readonly Operator s_powTensorScalar = new("pow.Tensor_Scalar");
    private static readonly Operator s_exp = new("exp");
    private static readonly Operator s_log = new("log");
    private static readonly Operator s_tanh = new("tanh");
    private static readonly Operator s_atanh = new("atanh");
    private static readonly Operator s_round = new("round");
    private static readonly Operator s_floor = new("floor");
    private static readonly Operator s_clamp = new("clamp");
    private static readonly Operator s_clampMin = new("clamp_min");
    private static readonly Operator s_maximum = new("maximum");
    private static readonly Operator s_minimum = new("minimum");
    private static readonly Operator s_matmul = new("matmul");
    private static readonly Operator s_logNdtr = new("special_log_ndtr");
    private static readonly Operator s_isfinite = new("isfinite");
    private static readonly Operator s_eqTensor = new("eq.Tensor");
    private static readonly Operator s_eqScalar = new("eq.Scalar");
    private static readonly Operator s_neTensor = new("ne.Tensor");
    private static readonly Operator s_gtScalar = new("gt.Scalar");
    private static readonly Operator s_gtTensor = new("gt.Tensor");
    private static readonly Operator s_ltTensor = new("lt.Tensor");
    private static readonly Operator s_ltScalar = new("lt.Scalar");
    private static readonly Operator s_leTensor = new("le.Tensor");
    private static readonly Operator s_leScalar = new("le.Scalar");
    private static readonly Operator s_geTensor = new("ge.Tensor");
    private static readonly Operator s_logicalAnd = new("logical_and");
    private static readonly Operator s_logicalOr = new("logical_or");
    private static readonly Operator s_logicalNot = new("logical_not");
    private static readonly Operator s_whereSelf = new("where.self");

    /// <summary>Elementwise sum.</summary>
    public Tensor Add(Tensor other) => s_addTensor.Call(this, other);

    /// <summary>Adds a number.</summary>
    public Tensor Add(double number) => s_addScalar.Call(this, number);

    /// <summary>Elementwise difference.</summary>
    public Tensor Sub(Tensor other) => s_subTensor.Call(this, other);

    /// <summary>Subtracts a number.</summary>
    public Tensor Sub(double number) => s_subScalar.Call(this, number);

    /// <summary>A number minus this.</summary>
    public Tensor SubtractedFrom(double number) => s_rsubScalar.Call(this, number);

    /// <summary>Elementwise product.</summary>
    public Tensor Mul(Tensor other) => s_mulTensor.Call(this, other);

    /// <summary>Multiplies by a number.</summary>
    public Tensor Mul(double number) => s_mulScalar.Call(this, number);

    /// <summary>Elementwise quotient.</summary>
    public Tensor Div(Tensor other) => s_divTensor.Call(this, other);

    /// <summary>Divides by a number.</summary>
    public Tensor Div(double number) => s_divScalar.Call(this, number);

    /// <summary>Changes the sign.</summary>
    public Tensor Neg() => s_neg.Call(this);

    /// <summary>Absolute value.</summary>
    public Tensor Abs() => s_abs.Call(this);

    /// <summary>-1, 0 or 1.</summary>
    public Tensor Sign() => s_sign.Call(this);

    /// <summary>Square root.</summary>
    public Tensor Sqrt() => s_sqrt.Call(this);

    /// <summary>Raises to a power.</summary>
    public Tensor Pow(double exponent) => s_powTensorScalar.Call(this, exponent);

    /// <summary>Exponential.</summary>
    public Tensor Exp() => s_exp.Call(this);

    /// <summary>Natural logarithm.</summary>
    public Tensor Log() => s_log.Call(this);

    /// <summary>Hyperbolic tangent.</summary>
    public Tensor Tanh() => s_tanh.Call(this);

    /// <summary>Inverse hyperbolic tangent.</summary>
    public Tensor Atanh() => s_atanh.Call(this);

    /// <summary>Rounds to the nearest integer, halves to even.</summary>
    public Tensor Round() => s_round.Call(this);

    /// <summary>The largest integer that is not above.</summary>
    public Tensor Floor() => s_floor.Call(this);

    /// <summary>Limits every element to [minimum, maximum].</summary>
    public Tensor Clamp(double minimum, double maximum) => s_clamp.Call(this, minimum, maximum);

    /// <summary>Raises every element to at least the minimum.</summary>
    public Tensor ClampMin(double minimum) => s_clampMin.Call(this, minimum);

    /// <summary>The larger of two, elementwise.</summary>
    public Tensor Maximum(Tensor other) => s_maximum.Call(this, other);

    /// <summary>The smaller of two, elementwise.</summary>
    public Tensor Minimum(Tensor other) => s_minimum.Call(this, other);

    /// <summary>Matrix product.</summary>
    public Tensor MatMul(Tensor other) => s_matmul.Call(this, other);

    /// <summary>Logarithm of the standard normal distribution's cumulative probability.</summary>
    public Tensor LogNormalProbability() => s_logNdtr.Call(this);

    /// <summary>Whether each element is a finite number.</summary>
    public Tensor IsFinite() => s_isfinite.Call(this);

    /// <summary>Whether elements are equal.</summary>
    public Tensor Equal(Tensor other) => s_eqTensor.Call(this, other);

    /// <summary>Whether elements equal a number.</summary>
    public Tensor Equal(double number) => s_eqScalar.Call(this, number);

    /// <summary>Whether elements differ.</summary>
    public Tensor NotEqual(Tensor other) => s_neTensor.Call(this, other);

    /// <summary>Whether elements exceed a number.</summary>
    public Tensor Greater(double number) => s_gtScalar.Call(this, number);

    /// <summary>Whether elements exceed another's.</summary>
    public Tensor Greater(Tensor other) => s_gtTensor.Call(this, other);

    /// <summary>Whether elements are below another's.</summary>
    public Tensor Less(Tensor other) => s_ltTensor.Call(this, other);

    /// <summary>Whether elements are below a number.</summary>
    public Tensor Less(double number) => s_ltScalar.Call(this, number);

    /// <summary>Whether elements are at most another's.</summary>
    public Tensor LessOrEqual(Tensor other) => s_leTensor.Call(this, other);

    /// <summary>Whether elements are at most a number.</summary>
    public Tensor LessOrEqual(double number) => s_leScalar.Call(this, number);

    /// <summary>Whether elements are at least another's.</summary>
    public Tensor GreaterOrEqual(Tensor other) => s_geTensor.Call(this, other);

    /// <summary>Both true.</summary>
    public Tensor And(Tensor other) => s_logicalAnd.Call(this, other);

    /// <summary>At least one true.</summary>
    public Tensor Or(Tensor other) => s_logicalOr.Call(this, other);

    /// <summary>Not true.</summary>
    public Tensor Not() => s_logicalNot.Call(this);

    /// <summary>Takes from the first where the condition (bool) holds, else from the second.</summary>
    public static Tensor Where(Tensor condition, Tensor first, Tensor second) => s_whereSelf.Call(condition, first, second);
}
