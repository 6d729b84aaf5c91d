using System.Diagnostics;
using Parry.Data;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>
/// Measures how long answers take. What is fast is measured on the same images by turns, after a warm-up, and the
/// median of the turns counts, so that a busy moment of the machine touches all alike; what is slow, once.
/// </summary>
internal static class AnswerTimes
{
    private const int Turns = 9;
    private const int MostImages = 64;
    private const double SlowMilliseconds = 4;

    /// <summary>The time of an answer on one clean image, in milliseconds, for each classifier.</summary>
    /// <param name="measured">The classifiers, with the time of an answer as it was measured once.</param>
    /// <param name="set">The clean images.</param>
    public static double[] Of(IReadOnlyList<(Subject Subject, double Milliseconds)> measured, ImageSet set)
    {
        int count = Math.Min(MostImages, set.Count);
        using Tensor few = set.Take(count).ImageTensor();
        var images = Images.Of(few);
        List<double>[] turns = [.. measured.Select(_ => new List<double>())];
        for (int turn = 0; turn <= Turns; turn++)
        {
            for (int i = 0; i < measured.Count; i++)
            {
                if (measured[i].Milliseconds > SlowMilliseconds)
                    continue;
                var clock = Stopwatch.StartNew();
                measured[i].Subject.Judge(images).Dispose();

                // The first turn warms up.
                if (turn > 0)
                    turns[i].Add(clock.Elapsed.TotalMilliseconds / count);
            }
        }

        return [.. measured.Select((one, i) => turns[i].Count == 0 ? one.Milliseconds : Median.Of(turns[i]))];
    }
}
