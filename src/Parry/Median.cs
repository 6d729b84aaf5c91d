namespace Parry;

/// <summary>The median of numbers.</summary>
public static class Median
{
    /// <summary>
    /// The number in the middle; of an even count the mean of the two there, infinite if one of them is.
    /// </summary>
    /// <exception cref="ArgumentException">There are no numbers.</exception>
    public static double Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
            throw new ArgumentException("expected numbers to take the median of, got none", nameof(values));
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
