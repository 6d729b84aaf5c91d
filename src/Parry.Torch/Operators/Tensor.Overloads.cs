namespace Parry.Torch;

/// <content>The arithmetic signs.</content>
#pragma warning disable CA2225 // The named alternatives are Add, Sub, Mul, Div and Neg, the field's own words.
public sealed partial class Tensor
{
    /// <summary>Elementwise sum.</summary>
    public static Tensor operator +(Tensor left, Tensor right) => left.Add(right);

    /// <summary>Adds a number.</summary>
    public static Tensor operator +(Tensor left, double right) => left.Add(right);

    /// <summary>Elementwise difference.</summary>
    public static Tensor operator -(Tensor left, Tensor right) => left.Sub(right);

    /// <summary>Subtracts a number.</summary>
    public static Tensor operator -(Tensor left, double right) => left.Sub(right);

    /// <summary>Elementwise product.</summary>
    public static Tensor operator *(Tensor left, Tensor right) => left.Mul(right);

    /// <summary>Multiplies by a number.</summary>
    public static Tensor operator *(Tensor left, double right) => left.Mul(right);

    /// <summary>Elementwise quotient.</summary>
    public static Tensor operator /(Tensor left, Tensor right) => left.Div(right);

    /// <summary>Divides by a number.</summary>
    public static Tensor operator /(Tensor left, double right) => left.Div(right);

    /// <summary>Changes the sign.</summary>
    public static Tensor operator -(Tensor tensor) => tensor.Neg();
}
