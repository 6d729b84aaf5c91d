using System.Diagnostics;

namespace Parry.Torture;

/// <summary>
/// Trainings that are killed and resumed, at random moments or at system calls that write files. Their weights must be
/// those of an undisturbed training, bit for bit, and no temporary file may stay.
/// </summary>
internal static class Kills
{
    private const int MostInARow = 3;
    private static readonly string[] s_calls = ["fsync", "rename"];

    /// <summary>Kills at random moments.</summary>
    public static void AtRandomMoments(Ordeal ordeal) =>
        Run(
            ordeal,
            (training, folder, words) =>
            {
                Process process = ParryRun.Start(folder, words);
                Thread.Sleep(training.Duration * ordeal.Random.NextDouble());
                process.Kill();
                return ParryRun.Of(process);
            }
        );

    /// <summary>Kills at the Nth flush or renaming of a file, by strace.</summary>
    public static void AtSystemCalls(Ordeal ordeal)
    {
        if (!File.Exists("/usr/bin/strace"))
        {
            ordeal.Summary = "left out, because strace is not installed";
            return;
        }

        Run(
            ordeal,
            (_, folder, words) =>
            {
                string call = s_calls[ordeal.Random.Next(s_calls.Length)];
                string when = $"inject={call}:signal=KILL:when={ordeal.Random.Next(1, 9)}";
                string[] strace = ["-f", "-qq", "-o", "/dev/null", "-e", $"trace={call}", "-e", when];
                return ParryRun.Of(ParryRun.Start(folder, "/usr/bin/strace", [.. strace, ParryRun.Program, .. words]));
            }
        );
    }

    private static void Run(Ordeal ordeal, Func<Training, string, string[], ParryRun> killed)
    {
        Lazy<Training>[] trainings = Training.All(ordeal);
        int kills = 0;
        int finished = 0;
        while (ordeal.GoesOn(kills))
        {
            Training training = trainings[finished % trainings.Length].Value;
            string folder = Directory.CreateDirectory(Path.Combine(ordeal.Folder, $"run-{finished}")).FullName;
            int inARow = ordeal.Random.Next(1, MostInARow + 1);
            for (int i = 0; i < inARow; i++)
            {
                ParryRun run = killed(training, folder, training.Words(resume: i > 0));

                // It may have ended before.
                if (run.Code != 0)
                    kills++;
            }

            ParryRun last = ParryRun.Of(folder, training.Words(resume: true));
            string what = $"{training.Name}, run {finished}";
            ordeal.Judge(what, last);
            if (!training.Gave(folder))
                ordeal.Fail($"{what}: other weights than without the kills (exit code {last.Code}) {last.Error}");
            if (!training.Logged(folder))
                ordeal.Fail($"{what}: another log than without the kills");
            string[] left = Directory.GetFiles(folder, "*.tmp");
            if (left.Length > 0)
                ordeal.Fail($"{what}: {left.Length} temporary files stay");
            Directory.Delete(folder, recursive: true);
            finished++;
        }

        int kinds = trainings.Count(one => one.IsValueCreated);
        ordeal.Summary = $"{kills} kills in {finished} trainings of {kinds} kinds, weights compared by bits";
    }
}
