using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// Variables w for images x = (tanh(w) + 1) / 2, which cannot leave the box (Carlini, Wagner, 2016, 1608.04644). Images
/// are shrunk by 1e-6 towards gray first, so that black and white pixels have finite variables and keep a gradient.
/// </summary>
public static class TanhSpace
{
    private const double Shrink = 1 - 1e-6;

    /// <summary>The variables of images in [0, 1].</summary>
    public static Tensor FromImages(Tensor images)
    {
        Tensor tanh = ((2 * images) - 1) * Shrink;

        // LibTorch's own atanh rounds differently at other places of a batch.
        return (tanh.log1p() - (-tanh).log1p()) / 2;
    }

    /// <summary>The images of variables.</summary>
    public static Tensor ToImages(Tensor w) => (w.tanh() + 1) / 2;
}
