namespace Parry.Attacks.Building;

/// <summary>
/// The search of Carlini and Wagner, for each image by itself, for the smallest weight c of the goal with which a
/// descent still succeeds: tenfold up to the first success, then always the middle between the largest failure and the
/// smallest success.
/// </summary>
/// <param name="count">The number of images.</param>
/// <param name="first">The first weight of all of them.</param>
public sealed class ConstantSearch(int count, double first)
{
    private readonly double[] _failed = new double[count];
    private readonly double[] _succeeded = [.. Enumerable.Repeat(double.PositiveInfinity, count)];
    private readonly bool[] _reached = new bool[count];

    /// <summary>The weights to try next.</summary>
    public double[] Values { get; private set; } = [.. Enumerable.Repeat(first, count)];

    /// <summary>Notes which images have reached the goal with their present weights.</summary>
    /// <param name="images">Their positions.</param>
    public void Mark(long[] images)
    {
        foreach (long image in images)
            _reached[image] = true;
    }

    /// <summary>Goes on to the next weights.</summary>
    public void Next()
    {
        for (int i = 0; i < count; i++)
        {
            if (_reached[i])
                _succeeded[i] = Math.Min(_succeeded[i], Values[i]);
            else
                _failed[i] = Math.Max(_failed[i], Values[i]);
            Values[i] = double.IsFinite(_succeeded[i]) ? (_failed[i] + _succeeded[i]) / 2 : Values[i] * 10;
        }

        Array.Clear(_reached);
    }

    /// <summary>Goes back to the smallest weights that succeeded.</summary>
    public void UseSuccesses() =>
        Values = [.. Values.Zip(_succeeded, (value, success) => double.IsFinite(success) ? success : value)];
}
