using System.Diagnostics;
using System.Numerics;

namespace Parry.Cli.Reproducing;

/// <summary>A quick measurement of how fast this machine multiplies, for estimates of time.</summary>
internal static class ProcessorSpeed
{
    // What the machine did on which the experiments were timed: two cores.
    private const double Reference = 2 * 2.0e9;

    private const int Rounds = 1 << 22;

    /// <summary>How fast all cores are together, as a multiple of that machine's.</summary>
    public static double RelativeToReference()
    {
        Multiply(Rounds / 4);
        long begun = Stopwatch.GetTimestamp();
        Multiply(Rounds);
        double seconds = Math.Max(1e-6, Stopwatch.GetElapsedTime(begun).TotalSeconds);
        return Environment.ProcessorCount * Rounds * Vector<float>.Count / seconds / Reference;
    }

    private static float Multiply(int rounds)
    {
        var (sum, factor) = (Vector<float>.One, new Vector<float>(0.999_999f));
        for (int i = 0; i < rounds; i++)
            sum = (sum * factor) + factor;
        return sum[0];
    }
}
