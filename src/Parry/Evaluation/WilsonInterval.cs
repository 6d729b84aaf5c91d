namespace Parry.Evaluation;

/// <summary>The 95 % Wilson score interval: how far a fraction of a small sample may be from the truth.</summary>
public static class WilsonInterval
{
    private const double Z = 1.959963984540054;

    /// <summary>
    /// Gives the interval for <paramref name="successes"/> of <paramref name="count"/>; both ends lie in [0, 1].
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is below 1, or the successes are not in 0
    /// to count.</exception>
    public static (double Low, double High) Of(int successes, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, count);

        double n = count;
        double p = successes / n;
        double scale = 1 / (1 + (Z * Z / n));
        double center = scale * (p + (Z * Z / (2 * n)));
        double half = scale * Z * Math.Sqrt((p * (1 - p) / n) + (Z * Z / (4 * n * n)));
        return (successes == 0 ? 0 : center - half, successes == count ? 1 : center + half);
    }
}
