using Parry.Torch;

namespace Parry.Attacks.Steps;

/// <summary>Perturbations in the box whose absolute values sum up to no more than a radius.</summary>
internal static class L1Ball
{
    private const int Iterations = 10;
    private const double Rounding = 1 - 1e-6;
    private static readonly long[] s_image = [1, 2, 3];

    /// <summary>
    /// The nearest allowed perturbations: every value shrinks by the same amount, down to zero, and stops where the box ends. The amount is the root of a
    /// falling piecewise linear function, found by Newton's method within an interval that is halved where a step would leave it.
    /// </summary>
    /// <param name="change">Perturbations [N, C, H, W] of any size.</param>
    /// <param name="images">The images in [0, 1] they belong to.</param>
    /// <param name="radius">[N, 1, 1, 1].</param>
    public static Tensor Project(Tensor change, Tensor images, Tensor radius)
    {
        Tensor size = change.Abs(), room = Tensor.Where(change.Greater(0), images.SubtractedFrom(1), images);
        Tensor amount = radius.ZerosLike(), low = amount, high = size.Amax(s_image, keep: true), kept = size.Minimum(room);
        for (int i = 0; i < Iterations; i++)
        {
            Tensor excess = kept.Sum(s_image, keep: true).Sub(radius), over = excess.Greater(0);
            (low, high) = (Tensor.Where(over, amount, low), Tensor.Where(over, high, amount));
            Tensor slope = kept.Greater(0).And(kept.Less(room)).Sum(s_image, DType.Float32, keep: true);
            Tensor next = amount.Add(excess.Div(slope.ClampMin(1)));
            amount = Tensor.Where(next.GreaterOrEqual(low).And(next.LessOrEqual(high)), next, low.Add(high).MulInPlace(0.5));
            kept = size.Sub(amount).ClampInPlace(0, double.PositiveInfinity).Minimum(room);
        }

        // Whatever is left of the excess is scaled away.
        Tensor scale = radius.Mul(Rounding).Div(kept.Sum(s_image, keep: true).ClampMin(1e-12)).ClampInPlace(0, 1);
        return kept.MulInPlace(scale).MulInPlace(change.Sign());
    }
}
