namespace Parry.Attacks.Building;

/// <summary>
/// The search, for each row by itself, for the smallest weight of the goal with which a descent still succeeds: tenfold
/// up to the first success, then always the middle between the largest failure and the smallest success.
/// </summary>
public sealed class ConstantSearch(int count, double first)
{
    private readonly double[] _failed = new double[count];
    private readonly double[] _succeeded = [.. Enumerable.Repeat(double.PositiveInfinity, count)];

    /// <summary>The weights to try next.</summary>
    public double[] Values { get; private set; } = [.. Enumerable.Repeat(first, count)];

    /// <summary>Learns which rows succeeded with their weights.</summary>
    public void Learn(bool[] found)
    {
        for (int i = 0; i < found.Length; i++)
        {
            if (found[i])
                _succeeded[i] = Math.Min(_succeeded[i], Values[i]);
            else
                _failed[i] = Math.Max(_failed[i], Values[i]);
            Values[i] = double.IsFinite(_succeeded[i]) ? (_failed[i] + _succeeded[i]) / 2 : Values[i] * 10;
        }
    }

    /// <summary>Goes back to the smallest weights that succeeded.</summary>
    public void UseSuccesses() =>
        Values = [.. Values.Zip(_succeeded, (value, success) => double.IsFinite(success) ? success : value)];
}
