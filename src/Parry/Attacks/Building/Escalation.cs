namespace Parry.Attacks.Building;

/// <summary>
/// Weights of the goal that grow, for each row by itself, whenever a descent fails: when it has used up its iterations,
/// or when its loss has not fallen by 0.01 % over a tenth of them.
/// </summary>
internal sealed class Escalation
{
    private readonly double _factor;
    private readonly double _largest;
    private readonly int _iterations;
    private readonly double[] _constants;
    private readonly float[] _checkpoints;

    /// <summary>Starts all rows at the first weight.</summary>
    public Escalation(int count, double first, double factor, double largest, int iterations)
        : this(Repeated(first, count), Repeated(float.PositiveInfinity, count), factor, largest, iterations) { }

    private Escalation(double[] constants, float[] checkpoints, double factor, double largest, int iterations)
    {
        _constants = constants;
        _checkpoints = checkpoints;
        _factor = factor;
        _largest = largest;
        _iterations = iterations;
    }

    /// <summary>The weights now.</summary>
    public IReadOnlyList<double> Constants => _constants;

    /// <summary>Which rows have failed at their weight.</summary>
    /// <param name="losses">Their losses now.</param>
    /// <param name="ages">The steps of their descents before this one.</param>
    public bool[] Fails(float[] losses, IReadOnlyList<int> ages)
    {
        int stretch = Math.Max(1, _iterations / 10);
        var fails = new bool[losses.Length];
        for (int i = 0; i < losses.Length; i++)
        {
            if (ages[i] == 0)
                _checkpoints[i] = float.PositiveInfinity;
            bool stalls = (ages[i] + 1) % stretch == 0 && !(losses[i] <= 0.9999 * _checkpoints[i]);
            fails[i] = stalls || ages[i] + 1 >= _iterations;
            if ((ages[i] + 1) % stretch == 0)
                _checkpoints[i] = losses[i];
        }

        return fails;
    }

    /// <summary>Raises the weights of rows that failed; returns which of them are beyond the largest.</summary>
    public bool[] Raise(bool[] failed)
    {
        for (int i = 0; i < failed.Length; i++)
        {
            if (failed[i])
                _constants[i] *= _factor;
        }

        return [.. failed.Select((failure, i) => failure && _constants[i] >= _largest)];
    }

    /// <summary>The state of some rows.</summary>
    public Escalation Select(long[] rows) =>
        new(_constants.At(rows), _checkpoints.At(rows), _factor, _largest, _iterations);

    private static T[] Repeated<T>(T value, int count) => [.. Enumerable.Repeat(value, count)];
}
