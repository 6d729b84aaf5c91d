using System.Diagnostics;

namespace Parry.Torture;

/// <summary>
/// Evaluations that are killed at random moments and started again by the same command. Their records must be those of
/// an undisturbed run, bit for bit, and no temporary file may stay.
/// </summary>
internal static class Evaluations
{
    private const string Model = "weights.safetensors";
    private const string Results = "results";
    private const int MostInARow = 5;

    /// <summary>Runs until the time is over.</summary>
    public static void Run(Ordeal ordeal)
    {
        Training classifier = Training.All(ordeal)[0].Value;
        string[] words =
        [
            "evaluate",
            "--model",
            Model,
            "--data",
            "mnist",
            "--data-dir",
            ordeal.Data,
            "--validation",
            "--count",
            "300",
            "--attacks",
            "fgsm:eps=0.1,0.3",
            "square:eps=0.3,queries=20",
            "--defenses",
            "bit-depth",
            "--out",
            Results,
        ];
        string undisturbed = FolderWith(classifier, ordeal, "evaluation");
        var watch = Stopwatch.StartNew();
        ordeal.Judge("the undisturbed evaluation", ParryRun.Of(undisturbed, words));
        TimeSpan duration = watch.Elapsed;
        string[] expected = Records(undisturbed);
        if (expected.Length == 0)
            ordeal.Fail("the undisturbed evaluation has no records");
        int kills = 0;
        int finished = 0;
        while (ordeal.GoesOn(kills))
        {
            string folder = FolderWith(classifier, ordeal, $"evaluation-{finished}");
            int inARow = ordeal.Random.Next(1, MostInARow + 1);
            for (int i = 0; i < inARow; i++)
            {
                Process process = ParryRun.Start(folder, words);
                Thread.Sleep(duration * ordeal.Random.NextDouble());
                process.Kill();
                if (ParryRun.Of(process).Code != 0)
                    kills++;
            }

            ParryRun last = ParryRun.Of(folder, words);
            ordeal.Judge($"evaluation {finished}", last);
            if (!expected.SequenceEqual(Records(folder)))
                ordeal.Fail($"evaluation {finished}: other records than without the kills {last.Error}");
            if (Directory.GetFiles(folder, "*.tmp", SearchOption.AllDirectories).Length > 0)
                ordeal.Fail($"evaluation {finished}: temporary files stay");
            Directory.Delete(folder, recursive: true);
            finished++;
        }

        ordeal.Summary = $"{kills} kills in {finished} evaluations";
    }

    private static string FolderWith(Training classifier, Ordeal ordeal, string name)
    {
        string folder = Directory.CreateDirectory(Path.Combine(ordeal.Folder, name)).FullName;
        classifier.CopyTo(folder);
        return folder;
    }

    // Every image's line with its file; heads hold times.
    private static string[] Records(string folder)
    {
        string cells = Path.Combine(folder, Results, "cells");
        return
        [
            .. Directory
                .GetFiles(cells, "*", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
                .SelectMany(file =>
                    File.ReadLines(file)
                        .Where(line => line.StartsWith("{\"sample\"", StringComparison.Ordinal))
                        .Select(line => Path.GetRelativePath(cells, file) + line)
                ),
        ];
    }
}
