using System.CommandLine;
using Parry.Runtime;

namespace Parry.Cli.Training;

/// <summary>The options of every GAN training, in addition to those of its recipe.</summary>
internal sealed class GanOptions
{
    private readonly Option<int?> _threads = Arguments.Optional<int>(
        "--threads",
        "Threads to compute with, on which the last bits of the weights depend; by default one per physical core."
    );
    private readonly Option<int> _checkpointEvery = Arguments.Number(
        "--checkpoint-every",
        "Iterations between checkpoints.",
        500,
        1
    );
    private readonly Option<int> _samplesEvery = Arguments.Number(
        "--samples-every",
        "Iterations between sample sheets.",
        500,
        1
    );

    /// <summary>The help text of <c>--out</c>.</summary>
    public const string Weights = "The weight file to write; checkpoint, sample sheet and log are beside it.";

    /// <summary>All options.</summary>
    public IEnumerable<Option> All => [_threads, _checkpointEvery, _samplesEvery];

    /// <summary>Iterations between checkpoints.</summary>
    public int CheckpointEvery(TrainingRun run) => run.Value(_checkpointEvery);

    /// <summary>Iterations between sample sheets.</summary>
    public int SamplesEvery(TrainingRun run) => run.Value(_samplesEvery);

    /// <summary>Sets the number of LibTorch's threads.</summary>
    public void SetThreads(TrainingRun run) => TorchLibrary.SetThreads(Threads(run));

    /// <summary>The command line that gives the same weights on any machine: with the number of threads.</summary>
    public string Command(TrainingRun run) =>
        run.Value(_threads) is null ? $"{run.Result.CommandText()} --threads {Threads(run)}" : run.Result.CommandText();

    private int Threads(TrainingRun run) => run.Value(_threads) ?? Workers.PhysicalCores;
}
