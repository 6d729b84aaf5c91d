using System.Diagnostics;
using Parry.Cli.Tests;

namespace Parry.Torture;

/// <summary>One kind of torture: how long it lasts, its random draws, its files, and what it found.</summary>
internal sealed class Ordeal(TimeSpan time, int rounds, int seed) : IDisposable
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Lazy<SmallMnist> _data = new(() => new SmallMnist());

    /// <summary>Draws what is random.</summary>
    public Random Random { get; } = new(seed);

    /// <summary>A folder for files.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("parry-torture-").FullName;

    /// <summary>A folder with a small data set named mnist.</summary>
    public string Data => _data.Value.Folder;

    /// <summary>What went wrong.</summary>
    public List<string> Failures { get; } = [];

    /// <summary>What was done, in a few words.</summary>
    public string Summary { get; set; } = "nothing done";

    /// <summary>The number of rounds that was asked for; 0 if none was.</summary>
    public int Rounds => rounds;

    /// <summary>Whether another round is due.</summary>
    /// <param name="done">The finished rounds.</param>
    public bool GoesOn(int done) => rounds > 0 ? done < rounds : _watch.Elapsed < time;

    /// <summary>Notes a failure.</summary>
    public void Fail(string what) => Failures.Add(what);

    /// <summary>Notes a failure unless a run ended as a program should that was given bad input or stopped.</summary>
    public void Judge(string what, ParryRun run)
    {
        if (run.Hung)
            Fail($"{what}: hangs");
        if (run.Code is not (0 or 1 or 2 or 130 or 143))
            Fail($"{what}: exit code {run.Code}: {run.Error}");
        string[] signs =
        [
            "Unhandled exception",
            "   at ",
            "Object reference",
            "Index was outside",
            "Arithmetic operation",
        ];
        if (signs.FirstOrDefault(sign => run.Error.Contains(sign, StringComparison.Ordinal)) is { } found)
            Fail($"{what}: \"{found}\" in {run.Error.Trim()}");
        if (run.Error.Length > 5000)
            Fail($"{what}: a message of {run.Error.Length} characters");
    }

    public void Dispose()
    {
        if (_data.IsValueCreated)
            _data.Value.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
