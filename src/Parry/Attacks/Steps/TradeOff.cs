namespace Parry.Attacks.Steps;

/// <summary>The search of Carlini and Wagner for each row's constant between distance and success: tenfold until the first success, then halving the interval.</summary>
internal sealed class TradeOff(int count, double initial)
{
    private readonly double[] _lower = new double[count];
    private readonly double[] _upper = [.. Enumerable.Repeat(double.PositiveInfinity, count)];

    /// <summary>The constants to try next.</summary>
    public double[] Constants { get; } = [.. Enumerable.Repeat(initial, count)];

    /// <summary>Tells which constants led to success.</summary>
    public void Judge(bool[] found)
    {
        for (int i = 0; i < found.Length; i++)
        {
            if (found[i]) _upper[i] = Math.Min(_upper[i], Constants[i]);
            else _lower[i] = Math.Max(_lower[i], Constants[i]);
            Constants[i] = double.IsFinite(_upper[i]) ? (_lower[i] + _upper[i]) / 2 : Constants[i] * 10;
        }
    }
}
