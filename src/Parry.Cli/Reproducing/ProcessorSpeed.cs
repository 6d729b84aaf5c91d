using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Parry.Cli.Reproducing;

/// <summary>A quick measurement of how fast this machine multiplies, for estimates of time.</summary>
internal static class ProcessorSpeed
{
    // What Measured() gave on the machine whose minutes the experiments' files have, two cores of an AMD EPYC: the
    // fastest of 40 rounds, because other programs can only make a round slower.
    private const double Reference = 9.2e9;

    private const int Multiplications = 1 << 19;
    private const int Rounds = 10;

    /// <summary>How fast all cores are together, as a multiple of that machine's.</summary>
    public static double RelativeToReference() => Measured() / Reference;

    // Multiplications of single numbers a second, if all cores do them at once.
    private static double Measured()
    {
        Multiply(Multiplications / 4);
        double seconds = Enumerable.Range(0, Rounds).Min(_ => Seconds());
        return Environment.ProcessorCount * (double)Multiplications * Vector<float>.Count / seconds;
    }

    private static double Seconds()
    {
        long begun = Stopwatch.GetTimestamp();
        Multiply(Multiplications);
        return Math.Max(1e-6, Stopwatch.GetElapsedTime(begun).TotalSeconds);
    }

    // Without the attribute, the first rounds would run code that is not optimized yet.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Multiply(int times)
    {
        var (sum, factor) = (Vector<float>.One, new Vector<float>(0.999_999f));
        for (int i = 0; i < times; i++)
            sum = (sum * factor) + factor;
        return sum[0];
    }
}
