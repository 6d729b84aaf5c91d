namespace Parry.Torture;

/// <summary>
/// Trainings, attacks and evaluations onto a small tmpfs that fills up. A file that was good must be good afterwards:
/// the old one or the whole new one, and results that cannot be written must be shown.
/// </summary>
internal static class FullDisk
{
    /// <summary>Runs until the time is over.</summary>
    public static void Run(Ordeal ordeal)
    {
        string disk = Directory.CreateDirectory(Path.Combine(ordeal.Folder, "disk")).FullName;
        if (!Mount(disk, 4096))
        {
            ordeal.Summary = "left out, because no tmpfs can be mounted (that takes root)";
            return;
        }

        try
        {
            Lazy<Training>[] old = Training.All(ordeal, seed: 2);
            Lazy<Training>[] anew = Training.All(ordeal);
            int runs = 0;
            int full = 0;
            while (ordeal.GoesOn(runs))
            {
                Mount(disk, 1 << ordeal.Random.Next(2, 14));
                int kind = runs % old.Length;
                ParryRun run =
                    runs % 3 == 0 ? Pictures(ordeal, disk) : Weights(ordeal, disk, old[kind].Value, anew[kind].Value);
                if (run.Code != 0)
                    full++;
                ordeal.Judge($"disk {runs}", run);
                if (Directory.GetFiles(disk, "*.tmp", SearchOption.AllDirectories).Length > 0)
                    ordeal.Fail($"disk {runs}: temporary files stay");
                Unmount(disk);
                runs++;
            }

            ordeal.Summary = $"{runs} runs, {full} of them on a disk that was too small";
        }
        finally
        {
            Unmount(disk);
        }
    }

    private static ParryRun Weights(Ordeal ordeal, string disk, Training old, Training anew)
    {
        bool held = old.CopyTo(disk);
        ParryRun run = ParryRun.Of(disk, anew.Words());
        bool good = anew.Gave(disk) || (run.Code != 0 && old.Gave(disk));
        if (held && !good)
            ordeal.Fail($"{anew.Name}: the good file was harmed (exit code {run.Code}) {run.Error}");
        return run;
    }

    private static ParryRun Pictures(Ordeal ordeal, string disk)
    {
        string verb = ordeal.Random.Next(2) == 0 ? "attack" : "evaluate";
        string[] words =
        [
            verb,
            "--model",
            Path.Combine(ParryRun.Root, "models/mnist-e.safetensors"),
            "--data",
            "mnist",
            "--data-dir",
            ordeal.Data,
            verb == "attack" ? "--attack" : "--attacks",
            "fgsm:eps=0.3",
            "--count",
            "20",
            "--out",
            Path.Combine(disk, "out"),
        ];
        ParryRun run = ParryRun.Of(ordeal.Folder, words);
        if (run.Code == 1 && !run.Output.Contains("fgsm", StringComparison.Ordinal))
            ordeal.Fail($"{verb}: results that were finished are not shown: {run.Error}");
        return run;
    }

    private static bool Mount(string folder, int kilobytes)
    {
        Unmount(folder);
        return Call("mount", "-t", "tmpfs", "-o", $"size={kilobytes}k", "parry-torture", folder) == 0;
    }

    private static void Unmount(string folder) => Call("umount", folder);

    private static int Call(string program, params string[] words) =>
        ParryRun.Of(ParryRun.Start("/", program, words)).Code;
}
