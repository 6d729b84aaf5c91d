using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// The L10 norm, which stands for Linf where an attack descends: it is smooth, and not below the largest change.
/// </summary>
internal static class SmoothLinf
{
    private const double Power = 10;
    private const double Smallest = 1e-12;

    /// <summary>The sizes of changes [N, C, H, W], one each.</summary>
    public static Tensor Of(Tensor change) => (change.abs().pow(Power).SumPerImage() + 1e-30).pow(1 / Power);

    /// <summary>
    /// The gradients of the sizes. Changes are divided by their largest value, so that no power vanishes.
    /// </summary>
    public static Tensor Slope(Tensor change)
    {
        Tensor part = change.abs() / change.abs().MaxPerImage(keepdim: true).clamp_min(Smallest);
        Tensor length = part.pow(Power).SumPerImage(keepdim: true).pow(1 / Power).clamp_min(Smallest);
        return change.sign() * (part / length).pow(Power - 1);
    }
}
