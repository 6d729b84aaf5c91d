namespace Parry.Defenses;

/// <summary>The standard normal distribution.</summary>
public static class NormalDistribution
{
    private const double Edge = 8;
    private const double HalfLogTau = 0.918938533204672741780;

    /// <summary>
    /// The probability of a value below x, Φ(x), by a series around 0 (Marsaglia, 2004): to the last digits of a double
    /// for |x| up to 8; 0 or 1 beyond.
    /// </summary>
    public static double Below(double x)
    {
        if (Math.Abs(x) > Edge)
            return x < 0 ? 0 : 1;
        double sum = x;
        double before = 0;
        double term = x;
        for (double i = 3; sum != before; i += 2)
        {
            before = sum;
            term *= x * x / i;
            sum += term;
        }

        return 0.5 + (sum * Math.Exp((-0.5 * x * x) - HalfLogTau));
    }

    /// <summary>
    /// The x below which a value falls with this probability, Φ⁻¹(probability), by bisection between -8 and 8.
    /// </summary>
    public static double Quantile(double probability)
    {
        double low = -Edge;
        double high = Edge;
        for (int halving = 0; halving < 60; halving++)
        {
            double middle = (low + high) / 2;
            if (Below(middle) < probability)
                low = middle;
            else
                high = middle;
        }

        return (low + high) / 2;
    }
}
