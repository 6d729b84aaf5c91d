using System.CommandLine;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Defenses.Training;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Models.Files;
using Parry.Models.Training;

namespace Parry.Cli.Verbs;

/// <summary><c>parry train magnet</c>: the auto-encoders of MagNet and their thresholds.</summary>
internal static class TrainMagNetVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new MagNetTraining();
        var classifier = new Option<string?>("--classifier")
        {
            Description =
                "The classifier whose answers the divergence detectors compare: a file, or the name of one that "
                + "ships. Without it there are no divergence detectors.",
            HelpName = "MODEL",
        };
        Option<int> members = Arguments.Number(
            "--members",
            "Auto-encoders of each kind, of which the defender draws one; 8 in the paper's gray box.",
            recipe.Members,
            1
        );
        Option<double?> noise = Arguments.Optional<double>(
            "--noise",
            "Standard deviation of the training noise; by default 0.1 for gray images and 0.025 for color.",
            orZero: true
        );
        Option<double?> rate = Arguments.Optional<double>(
            "--false-positives",
            "Share of validation images that each reconstruction detector refuses; by default 0.001 for gray images "
                + "and 0.005 for color."
        );
        Option<double> divergenceRate = Arguments.Positive(
            "--divergence-false-positives",
            "Share of validation images that each divergence detector refuses.",
            recipe.DivergenceRate
        );
        var schedule = new ScheduleOptions(recipe.Schedule);
        return TrainingRun.Verb(
            "magnet",
            "Train the auto-encoders of MagNet; the first 5,000 training images decide the detectors' thresholds.",
            [classifier, members, noise, rate, divergenceRate, .. schedule.All],
            run =>
            {
                string? answers = run.Value(classifier);
                if (answers is not null && answers.AsSpan().ContainsAny(',', '='))
                    throw new UserErrorException(
                        $"expected --classifier without commas and equals signs, got {answers}: rename the file"
                    );
                ImageSet images = run.Images(split: Split.MagNet);
                ImageSet validation = run.Images(DataPart.Validation, Split.MagNet);
                IClassifier? compared = answers is null ? null : run.Classifier(answers);
                MagNetTraining options = recipe with
                {
                    Members = run.Value(members),
                    Noise = run.Value(noise),
                    FalsePositiveRate = run.Value(rate),
                    DivergenceRate = run.Value(divergenceRate),
                    Schedule = schedule.Of(run, recipe.Schedule),
                };
                using NetworkTrainer<MagNetNetwork> trainer = options.On(images);
                options.CheckRates(images.Shape, validation.Count);
                run.Train(trainer);
                MagNetNetwork network = trainer.Network;
                ModelDescription description = network.Describe();
                string thresholds = options.Thresholds(network, validation, compared);
                string named = answers is null ? "" : $",classifier={answers}";
                string settings = $"{description.Settings},{thresholds}{named}";
                run.Save(network, "MagNet", trainer, options.Schedule.Seed, description with { Settings = settings });
                run.Line(settings);
            },
            result => result.GetValue(classifier)
        );
    }
}
