using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// Steps along a decision boundary that is taken for a plane, within the box and a trust region, towards the clean
/// image.
/// </summary>
internal static class BoundaryStep
{
    private const double Smallest = 1e-12;
    private const double Tolerance = 0.01;
    private const int Searches = 8;

    // Pixels whose slope is a millionth of the largest are not worth moving for, and ν must stay finite.
    private const double Farthest = 1e6;

    /// <summary>
    /// The new perturbation q onto the plane w·(q - p) = gain, for which norm(q) + |q - p|²/(2s) is smallest: that of
    /// the smallest norm in a trust region whose radius is the length of q - p.
    /// </summary>
    /// <param name="norm">Linf, L2, L1 or L0.</param>
    /// <param name="clean">The clean images, [N, C, H, W].</param>
    /// <param name="p">Perturbations within the box.</param>
    /// <param name="w">The normal of each row's plane, [N, C, H, W].</param>
    /// <param name="gain">[N, 1, 1, 1], of either sign.</param>
    /// <param name="s">How much the norm counts, [N, 1, 1, 1], positive.</param>
    public static Tensor Onto(Norm norm, Tensor clean, Tensor p, Tensor w, Tensor gain, Tensor s)
    {
        // q is what the norm's proximal operator makes of p + νw, clipped to the box; ν is found by Newton's method
        // within an interval.
        Tensor scale = Norm.Linf.Of(w, keepdim: true).clamp_min(Smallest);
        (w, gain) = (w / scale, gain / scale);
        Tensor largest = norm == Norm.Linf ? Norm.Linf.Of(p, keepdim: true) / (1 + s) : ones_like(s);
        Tensor low = (-clean).maximum(-largest);
        Tensor high = (1 - clean).minimum(largest);
        Tensor nu = zeros_like(s);
        Tensor from = full_like(s, double.NegativeInfinity);
        Tensor to = full_like(s, double.PositiveInfinity);
        for (int i = 0; ; i++)
        {
            Tensor q = Nearer(norm, p + (nu * w), s, low, high);
            Tensor missing = gain - (w * (q - p)).SumPerImage(keepdim: true);
            Tensor more = missing.abs() > Tolerance * gain.abs();
            if (more.any().Item() == 0)
                return q;
            if (i == Searches)
            {
                // What is still missing is made up where it costs least.
                Norm cheapest = norm == Norm.L0 ? Norm.L1 : norm;
                return q + BoxedPlane.Step(cheapest, (clean + q).clamp(0.0, 1.0), w, missing * more);
            }

            from = where(missing > 0, nu, from);
            to = where(missing > 0, to, nu);
            Tensor free = (q > low) & (q < high) & (q != 0);
            Tensor slope = (w * w * free).SumPerImage(keepdim: true);
            if (norm == Norm.L2)
                slope /= 1 + s;
            Tensor newton = nu + (missing / slope);
            Tensor middle = (from + to) / 2;
            Tensor beyond = nu + (missing.sign() * (1 + nu.abs()));
            Tensor other = where(middle.isfinite(), middle, beyond);
            nu = where(more, where((newton > from) & (newton < to), newton, other), nu).clamp(-Farthest, Farthest);
        }
    }

    private static Tensor Nearer(Norm norm, Tensor v, Tensor s, Tensor low, Tensor high)
    {
        Tensor within = v.maximum(low).minimum(high);
        return norm switch
        {
            Norm.Linf => within,
            Norm.L2 => (v / (1 + s)).maximum(low).minimum(high),
            Norm.L1 => (v.sign() * (v.abs() - s).clamp_min(0.0)).maximum(low).minimum(high),
            _ => where((v * v) - (v - within).square() > 2 * s, within, zeros_like(v)),
        };
    }
}
