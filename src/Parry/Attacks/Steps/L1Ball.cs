using static TorchSharp.torch;

namespace Parry.Attacks.Steps;

/// <summary>Perturbations in the box whose absolute values sum up to no more than a radius.</summary>
internal static class L1Ball
{
    private const int Iterations = 10;
    private const double Rounding = 1 - 1e-6;
    private static readonly long[] s_image = [1, 2, 3];

    /// <summary>
    /// The nearest allowed perturbations: every value shrinks by the same amount, down to zero, and stops where the box
    /// ends. The amount is the root of a falling piecewise linear function, found by Newton's method within an interval
    /// that is halved where a step would leave it.
    /// </summary>
    /// <param name="change">Perturbations [N, C, H, W] of any size.</param>
    /// <param name="images">The images in [0, 1] they belong to.</param>
    /// <param name="radius">[N, 1, 1, 1].</param>
    public static Tensor Project(Tensor change, Tensor images, Tensor radius)
    {
        Tensor size = change.abs(),
            room = where(change.gt(0.0), (1.0 - images), images);
        Tensor amount = zeros_like(radius),
            low = amount,
            high = size.amax(s_image, true),
            kept = size.minimum(room);
        for (int i = 0; i < Iterations; i++)
        {
            Tensor excess = kept.sum(s_image, true).sub(radius),
                over = excess.gt(0.0);
            (low, high) = (where(over, amount, low), where(over, high, amount));
            Tensor slope = kept.gt(0.0).logical_and(kept.lt(room)).sum(s_image, true, ScalarType.Float32);
            Tensor next = amount.add(excess.div(slope.clamp_min(1.0)));
            amount = where(next.ge(low).logical_and(next.le(high)), next, low.add(high).mul_(0.5));
            kept = size.sub(amount).clamp_(0.0, double.PositiveInfinity).minimum(room);
        }

        // Whatever is left of the excess is scaled away.
        Tensor scale = radius.mul(Rounding).div(kept.sum(s_image, true).clamp_min(1e-12)).clamp_(0.0, 1.0);
        return kept.mul_(scale).mul_(change.sign());
    }
}
