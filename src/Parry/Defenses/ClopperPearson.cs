namespace Parry.Defenses;

/// <summary>The exact confidence bound of a binomial proportion (Clopper and Pearson, 1934).</summary>
public static class ClopperPearson
{
    /// <summary>
    /// The one-sided lower bound: the smallest success probability for which at least this many successes have a
    /// probability of alpha or more.
    /// </summary>
    /// <param name="successes">The number of successes, from 0 to <paramref name="count"/>.</param>
    /// <param name="count">The number of trials, at least 1.</param>
    /// <param name="alpha">The probability that the truth is below the bound, in (0, 1/2).</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static double Lower(int successes, int count, double alpha)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, count);
        if (alpha is not (> 0 and < 0.5))
            throw new ArgumentOutOfRangeException(nameof(alpha), alpha, "expected a number between 0 and 1/2");
        if (successes == 0)
            return 0;
        if (successes == count)
            return Math.Pow(alpha, 1.0 / count);

        // The bound is below the observed share, where the first terms of the tail are the largest. So no term
        // underflows that matters.
        double logChoices = 0;
        for (int i = 1; i <= successes; i++)
            logChoices += Math.Log((count - successes + i) / (double)i);
        double low = 0;
        double high = successes / (double)count;
        for (int halving = 0; halving < 60; halving++)
        {
            double middle = (low + high) / 2;
            if (Tail(middle) < alpha)
                low = middle;
            else
                high = middle;
        }

        return low;

        // The probability of so many successes or more.
        double Tail(double p)
        {
            double term = Math.Exp(logChoices + (successes * Math.Log(p)) + ((count - successes) * Math.Log(1 - p)));
            double sum = term;
            for (int k = successes; k < count && term > sum * 1e-17; k++)
            {
                term *= (count - k) / (k + 1.0) * (p / (1 - p));
                sum += term;
            }

            return sum;
        }
    }
}
