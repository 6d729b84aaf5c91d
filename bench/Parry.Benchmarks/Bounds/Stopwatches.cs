using System.Diagnostics;

namespace Parry.Benchmarks.Bounds;

/// <summary>Times two ways of doing the same thing by turns, so that a busy machine slows both.</summary>
internal static class Stopwatches
{
    /// <summary>The median, over rounds, of the first's time by the second's.</summary>
    public static double Ratio(Action first, Action second, int rounds = 7)
    {
        first();
        second();
        double[] ratios = [.. Enumerable.Range(0, rounds).Select(_ => Seconds(first) / Seconds(second)).Order()];
        return ratios[rounds / 2];
    }

    /// <summary>The time of one run, the best of several.</summary>
    public static double Best(Action action, int rounds = 5)
    {
        action();
        return Enumerable.Range(0, rounds).Min(_ => Seconds(action));
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
