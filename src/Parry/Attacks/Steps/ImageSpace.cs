using Parry.Torch;

namespace Parry.Attacks.Steps;

/// <summary>Images as the variables of an optimizer: as they are and cut off at the box, or through tanh, which cannot leave it.</summary>
internal static class ImageSpace
{
    // Black and white keep a gradient.
    private const double Shrink = 1 - 1e-6;

    /// <summary>From images in [0, 1] to variables.</summary>
    public static Tensor Enter(Tensor images, bool tanh) => tanh ? images.Mul(2).AddInPlace(-1).MulInPlace(Shrink).Atanh() : images.Clone();

    /// <summary>From variables to images in [0, 1].</summary>
    public static Tensor Leave(Tensor variables, bool tanh) => tanh ? variables.Tanh().AddInPlace(1).MulInPlace(0.5) : variables.Clamp(0, 1);
}
