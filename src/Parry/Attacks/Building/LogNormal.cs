using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>The logarithm of the standard normal distribution's cumulative probability.</summary>
internal static class LogNormal
{
    /// <summary>From here on to the left the asymptotic series is exact to 1e-7 and erfc nears its underflow.</summary>
    private const double SeriesBelow = -12;

    private static readonly double s_logRootTwoPi = 0.5 * Math.Log(2 * Math.PI);

    /// <summary>
    /// log Φ(x), precise far to the left too, where Φ itself is zero in float32; autograd can follow it.
    /// </summary>
    /// <remarks>Not log(erfcx) - x²/2: TorchSharp 0.107's <c>special.erfcx</c> returns erfc.</remarks>
    public static Tensor Cumulative(Tensor x)
    {
        // Each branch sees only what it is precise for, so that no infinity reaches the gradient.
        Tensor wide = x.to(ScalarType.Float64);
        Tensor series = Series(wide.clamp_max(SeriesBelow));
        Tensor left = (special.erfc(wide.clamp(SeriesBelow, -1) / -Math.Sqrt(2)) * 0.5).log();
        Tensor right = (special.erfc(wide.clamp_min(-1) / Math.Sqrt(2)) * -0.5).log1p();
        return where(wide < SeriesBelow, series, where(wide < -1, left, right)).to(x.dtype);
    }

    /// <summary>
    /// log Φ(x) = -x²/2 - log(-x √(2π)) + log(1 - 1/x² + 3/x⁴ - 15/x⁶ + 105/x⁸ - …) for x far below zero.
    /// </summary>
    private static Tensor Series(Tensor x)
    {
        Tensor square = x * x;
        Tensor inverse = square.reciprocal();
        Tensor terms = inverse * (-1 + (inverse * (3 + (inverse * (-15 + (inverse * 105))))));
        return terms.log1p() - (square * 0.5) - (-x).log() - s_logRootTwoPi;
    }
}
