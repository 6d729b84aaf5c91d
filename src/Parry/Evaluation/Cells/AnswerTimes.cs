using System.Diagnostics;
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
    /// <param name="subjects">The classifiers, which have judged all clean images once.</param>
    /// <param name="test">The clean images.</param>
    public static double[] Of(IReadOnlyList<Subject> subjects, TestImages test)
    {
        int count = Math.Min(MostImages, test.Count);
        using Tensor few = test.Pixels.slice(0, 0, count, 1);
        var images = Images.Of(few);
        var turns = new List<double>[subjects.Count];
        for (int i = 0; i < turns.Length; i++)
            turns[i] = [];
        for (int turn = 0; turn <= Turns; turn++)
        {
            for (int i = 0; i < subjects.Count; i++)
            {
                if (subjects[i].Milliseconds > SlowMilliseconds)
                    continue;
                var clock = Stopwatch.StartNew();
                subjects[i].Judge(images).Dispose();

                // The first turn warms up.
                if (turn > 0)
                    turns[i].Add(clock.Elapsed.TotalMilliseconds / count);
            }
        }

        return [.. subjects.Select((subject, i) => turns[i].Count == 0 ? subject.Milliseconds : Median.Of(turns[i]))];
    }
}
