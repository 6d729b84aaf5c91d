using System.CommandLine;
using System.Globalization;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Defenses.Training;
using Parry.Models;
using Parry.Models.Architectures;

namespace Parry.Cli.Verbs;

/// <summary><c>parry train magnet</c>: the auto-encoders of MagNet and their thresholds.</summary>
internal static class TrainMagNetVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new MagNetTraining();
        var data = new DataOptions();
        Option<string> outFile = Arguments.OutFile(
            "The weight file to write; until the end a checkpoint lies beside it."
        );
        var classifier = new Option<string?>("--classifier")
        {
            Description =
                "The classifier whose answers the divergence detectors compare: a file, or the name of one that "
                + "ships. Without it there are none of these.",
            HelpName = "MODEL",
        };
        Option<int> members = Arguments.Number(
            "--members",
            "Auto-encoders of each kind, of which the defender draws one; the paper's grey box has 8.",
            recipe.Members,
            1
        );
        Option<double?> noise = Arguments.Optional<double>(
            "--noise",
            "Standard deviation of the training noise; 0.1 for gray images and 0.025 for color if not given.",
            orZero: true
        );
        Option<double?> rate = Arguments.Optional<double>(
            "--false-positives",
            "Share of validation images that each reconstruction detector refuses; 0.001 for gray images and 0.005 "
                + "for color if not given."
        );
        Option<double> divergenceRate = Arguments.Positive(
            "--divergence-false-positives",
            "Share of validation images that each divergence detector refuses.",
            recipe.DivergenceRate
        );
        var schedule = new ScheduleOptions(recipe.Schedule);
        Option<bool> resume = Arguments.Resume();
        var verb = new Command(
            "magnet",
            "Train the auto-encoders of MagNet; the first 5,000 training images decide the detectors' thresholds."
        )
        {
            data,
            outFile,
            classifier,
            members,
            noise,
            rate,
            divergenceRate,
        };
        schedule.AddTo(verb);
        verb.Add(resume);
        return verb.Does(
            (result, cancellation) =>
            {
                IImageSource set = data.Open(result, result.GetValue(classifier));
                var files = new TrainingFiles(result.GetRequiredValue(outFile), result.GetValue(resume));
                string? folder = data.Folder(result),
                    answers = result.GetValue(classifier);
                if (answers is not null && answers.AsSpan().ContainsAny(',', '='))
                    throw new UserErrorException(
                        $"expected --classifier without commas and equals signs, got {answers}: rename the file"
                    );
                ImageSet images = set.Load(DataPart.Train, Split.MagNet, folder),
                    validation = set.Load(DataPart.Validation, Split.MagNet, folder);
                IClassifier? compared = answers is null
                    ? null
                    : ModelCatalog.LoadClassifier(answers, set.Shape, set.ClassNames.Count).Classifier;
                using var owned = compared as IDisposable;
                MagNetTraining options = recipe with
                {
                    Members = result.GetValue(members),
                    Noise = result.GetValue(noise),
                    FalsePositiveRate = result.GetValue(rate),
                    DivergenceRate = result.GetValue(divergenceRate),
                    Schedule = schedule.Of(result),
                };
                using var trainer = options.On(images);
                options.CheckRates(images.Shape, validation.Count);
                using (ProgressLine progress = ProgressLine.Of(result))
                    AutoEncoderRun.Train(trainer, files, progress, cancellation);
                ModelDescription described = trainer.Network.Describe();
                string settings =
                    $"{described.Settings},{options.Thresholds(trainer.Network, validation, compared)}{(answers is null ? "" : $",classifier={answers}")}";
                ModelFile.Save(
                    files.Weights,
                    trainer.Network,
                    described with
                    {
                        Data = set.Name,
                        Seed = options.Schedule.Seed,
                        Settings = settings,
                        Command = result.CommandText(),
                    }
                );
                File.Delete(files.Checkpoint);
                Output
                    .Of(result)
                    .Line(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{files.Weights}: MagNet of {trainer.Network.ParameterCount():N0} parameters after "
                                + $"{trainer.Epochs} epochs; {settings}"
                        )
                    );
                return 0;
            }
        );
    }
}
