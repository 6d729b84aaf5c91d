using static TorchSharp.torch;

namespace Parry.Attacks.Steps;

/// <summary>The logarithm of the standard normal distribution's cumulative probability.</summary>
internal static class LogNormal
{
    private static readonly double s_root = Math.Sqrt(2);

    /// <summary>log Φ(x), precise far to the left too, where Φ itself is zero in float32; autograd can follow it.</summary>
    public static Tensor Cumulative(Tensor x)
    {
        // Each branch sees only what it is precise for, so that no infinity reaches the gradient.
        Tensor left = x.clamp_max(-1.0);
        Tensor right = x.clamp_min(-1.0);
        Tensor below = (special.erfcx(left.div(-s_root)) * 0.5).log() - (left * left * 0.5);
        Tensor above = special.erfc(right.div(s_root)).mul(-0.5).log1p();
        return where(x.lt(-1.0), below, above);
    }
}
