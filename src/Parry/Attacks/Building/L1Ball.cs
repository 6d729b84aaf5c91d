using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>Perturbations in the box whose absolute values sum up to no more than a radius.</summary>
internal static class L1Ball
{
    private const int Iterations = 10;

    /// <summary>
    /// The nearest allowed perturbations: every value shrinks by the same amount, down to zero, and stops where the box
    /// ends. The amount is the root of a falling piecewise linear function, found by Newton's method within an interval
    /// that is halved where a step would leave it. Sums are in float64, since a photo has 150,000 values.
    /// </summary>
    /// <param name="change">Perturbations [N, C, H, W] of any size.</param>
    /// <param name="images">The images in [0, 1] they belong to.</param>
    /// <param name="radius">[N, 1, 1, 1].</param>
    public static Tensor Project(Tensor change, Tensor images, Tensor radius)
    {
        Tensor size = change.to(ScalarType.Float64).abs();
        Tensor room = where(change > 0, 1 - images, images).to(ScalarType.Float64);
        radius = radius.to(ScalarType.Float64);
        Tensor amount = zeros_like(radius);
        Tensor low = amount;
        Tensor high = size.MaxPerImage(keepdim: true);
        Tensor kept = size.minimum(room);
        for (int i = 0; i < Iterations; i++)
        {
            Tensor excess = kept.SumPerImage(keepdim: true) - radius;
            low = where(excess > 0, amount, low);
            high = where(excess > 0, high, amount);
            Tensor slope = ((kept > 0) & (kept < room)).to(ScalarType.Float64).SumPerImage(keepdim: true);
            Tensor next = amount + (excess / slope.clamp_min(1.0));
            amount = where((next >= low) & (next <= high), next, (low + high) / 2);
            kept = (size - amount).clamp_min(0.0).minimum(room);
        }

        // Whatever is left of the excess is scaled away.
        Tensor scale = (radius / kept.SumPerImage(keepdim: true).clamp_min(1e-12)).clamp_(0.0, 1.0);
        return (scale * kept).to(ScalarType.Float32) * change.sign();
    }
}
