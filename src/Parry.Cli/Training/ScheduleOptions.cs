using System.CommandLine;
using Parry.Models.Training;

namespace Parry.Cli.Training;

/// <summary>The options that all trainings in epochs have: their schedule.</summary>
internal sealed class ScheduleOptions(TrainingSchedule defaults)
{
    private readonly Option<int> _epochs = Arguments.Number(
        "--epochs",
        "Passes over the training images.",
        defaults.Epochs,
        1
    );
    private readonly Option<int> _batch = Arguments.Number("--batch", "Images in a batch.", defaults.BatchSize, 1);
    private readonly Option<double> _learningRate = Arguments.Positive(
        "--learning-rate",
        "The step size at the start.",
        defaults.LearningRate
    );
    private readonly Option<double?> _finalLearningRate = Arguments.Optional<double>(
        "--final-learning-rate",
        "The step size at the end, reached linearly; by default the same as at the start.",
        orZero: true
    );
    private readonly Option<long> _seed = Arguments.Seed();

    /// <summary>All options.</summary>
    public IEnumerable<Option> All => [_epochs, _batch, _learningRate, _finalLearningRate, _seed];

    /// <summary>Makes the schedule from the given options.</summary>
    public T Of<T>(TrainingRun run, T defaults)
        where T : TrainingSchedule =>
        (T)(
            (TrainingSchedule)defaults with
            {
                Epochs = run.Value(_epochs),
                BatchSize = run.Value(_batch),
                LearningRate = run.Value(_learningRate),
                FinalLearningRate = run.Value(_finalLearningRate),
                Seed = run.Value(_seed),
            }
        );
}
