using System.CommandLine;
using Parry.Generative.AutoEncoders;

namespace Parry.Cli.Training;

/// <summary>The options of every training of an auto-encoder.</summary>
internal sealed class ScheduleOptions(AutoEncoderTraining otherwise)
{
    private readonly Option<int> _epochs = Arguments.Number(
        "--epochs",
        "Passes over the training images.",
        otherwise.Epochs,
        1
    );
    private readonly Option<int> _batch = Arguments.Number("--batch", "Images in a batch.", otherwise.BatchSize, 1);
    private readonly Option<double> _learningRate = Arguments.Positive(
        "--learning-rate",
        "Adam's step size.",
        otherwise.LearningRate
    );
    private readonly Option<double?> _finalLearningRate = Arguments.Optional<double>(
        "--final-learning-rate",
        "Adam's step size at the end, reached linearly; constant if not given.",
        orZero: true
    );
    private readonly Option<long> _seed = Arguments.Seed();

    /// <summary>Adds them to a verb.</summary>
    public void AddTo(Command verb)
    {
        foreach (Option option in (Option[])[_epochs, _batch, _learningRate, _finalLearningRate, _seed])
            verb.Add(option);
    }

    /// <summary>What was given.</summary>
    public AutoEncoderTraining Of(ParseResult result) =>
        new()
        {
            Epochs = result.GetValue(_epochs),
            BatchSize = result.GetValue(_batch),
            LearningRate = result.GetValue(_learningRate),
            FinalLearningRate = result.GetValue(_finalLearningRate),
            Seed = result.GetValue(_seed),
        };
}
