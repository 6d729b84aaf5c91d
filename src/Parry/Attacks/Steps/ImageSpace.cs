using static TorchSharp.torch;

namespace Parry.Attacks.Steps;

/// <summary>Images as the variables of an optimizer: as they are and cut off at the box, or through tanh, which cannot leave it.</summary>
internal static class ImageSpace
{
    // Black and white keep a gradient.
    private const double Shrink = 1 - 1e-6;

    /// <summary>From images in [0, 1] to variables.</summary>
    public static Tensor Enter(Tensor images, bool tanh) => tanh ? InverseTanh.Of(images.mul(2.0).add_(-1.0).mul_(Shrink)) : images.clone();

    /// <summary>From variables to images in [0, 1].</summary>
    public static Tensor Leave(Tensor variables, bool tanh) => tanh ? variables.tanh().add_(1.0).mul_(0.5) : variables.clamp(0.0, 1.0);
}
