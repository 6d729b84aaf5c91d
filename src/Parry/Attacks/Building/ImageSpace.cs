using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// Images as the variables of an optimizer: as they are and cut off at the box, or through tanh, which cannot leave it.
/// </summary>
internal static class ImageSpace
{
    /// <summary>From images in [0, 1] to variables.</summary>
    public static Tensor Enter(Tensor images, bool tanh) => tanh ? TanhSpace.FromImages(images) : images.clone();

    /// <summary>From variables to images in [0, 1].</summary>
    public static Tensor Leave(Tensor variables, bool tanh) =>
        tanh ? TanhSpace.ToImages(variables) : variables.clamp(0.0, 1.0);
}
