using System.Diagnostics;

namespace Parry.Torture;

/// <summary>A short training, and the weights that it gives when nothing disturbs it.</summary>
internal sealed class Training
{
    private const string FileName = "weights.safetensors";

    private static readonly string[][] s_kinds =
    [
        ["classifier", "--net", "e", "--epochs", "6", "--batch", "16"],
        ["vae", "--epochs", "6", "--batch", "16"],
        ["gan", .. Small()],
        ["gan", "--kind", "dcgan", .. Small()],
        ["gan", "--kind", "hinge", .. Small()],
        ["diffusion", "--width", "8", "--epochs", "2", "--batch", "32"],
    ];

    private readonly string[] _words;
    private readonly byte[] _weights;
    private readonly byte[]? _log;

    private Training(string[] words, string folder)
    {
        _words = words;
        var watch = Stopwatch.StartNew();
        ParryRun run = ParryRun.Of(folder, Words());
        if (run.Code != 0)
            throw new InvalidOperationException($"{Name}: {run.Error}");
        Duration = watch.Elapsed;
        _weights = File.ReadAllBytes(Path.Combine(folder, FileName));
        _log = LogIn(folder);
    }

    /// <summary>Its kind.</summary>
    public string Name => string.Join(' ', _words[1..4]);

    /// <summary>How long it takes.</summary>
    public TimeSpan Duration { get; }

    /// <summary>Every kind, run when it is first asked for.</summary>
    public static Lazy<Training>[] All(Ordeal ordeal, int seed = 1) =>
        [
            .. s_kinds.Select(
                (kind, i) =>
                    new Lazy<Training>(() =>
                        new Training(
                            ["train", .. kind, "--data", "mnist", "--data-dir", ordeal.Data, "--seed", $"{seed}"],
                            Directory.CreateDirectory(Path.Combine(ordeal.Folder, $"reference-{seed}-{i}")).FullName
                        )
                    )
            ),
        ];

    /// <summary>Its command line. The file, which the weights name, is the same in every folder.</summary>
    public string[] Words(bool resume = false) =>
        resume ? [.. _words, "--out", FileName, "--resume"] : [.. _words, "--out", FileName];

    /// <summary>Whether a folder has the very log that the undisturbed training gave, if it keeps one.</summary>
    public bool Logged(string folder) => _log.AsSpan().SequenceEqual(LogIn(folder));

    /// <summary>Whether a folder has the very weights that the undisturbed training gave.</summary>
    public bool Gave(string folder)
    {
        string file = Path.Combine(folder, FileName);
        return File.Exists(file) && _weights.AsSpan().SequenceEqual(File.ReadAllBytes(file));
    }

    /// <summary>Puts these weights into a folder, if there is room for them.</summary>
    public bool CopyTo(string folder)
    {
        string file = Path.Combine(folder, FileName);
        try
        {
            File.WriteAllBytes(file, _weights);
            return true;
        }
        catch (IOException)
        {
            File.Delete(file);
            return false;
        }
    }

    private static byte[]? LogIn(string folder)
    {
        string file = Path.Combine(folder, Path.ChangeExtension(FileName, "log.csv"));
        return File.Exists(file) ? File.ReadAllBytes(file) : null;
    }

    private static string[] Small() =>
        [
            "--width",
            "4",
            "--latent",
            "8",
            "--iterations",
            "30",
            "--batch",
            "16",
            "--threads",
            "1",
            "--checkpoint-every",
            "5",
            "--samples-every",
            "10",
        ];
}
