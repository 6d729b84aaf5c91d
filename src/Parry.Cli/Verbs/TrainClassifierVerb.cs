using System.CommandLine;
using System.Globalization;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Defenses;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Training;

namespace Parry.Cli.Verbs;

/// <summary>
/// <c>parry train classifier</c>: trains one of the architectures on clean or adversarial images, or on a teacher's
/// probabilities.
/// </summary>
internal static class TrainClassifierVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new ClassifierTraining();
        Option<string> net = Arguments.Net();
        var schedule = new ScheduleOptions(recipe);
        var optimizing = new RecipeOptions();
        Option<string> dropout = Arguments.Choice(
            "--dropout",
            "Whether dropout numbers are the share to drop or to keep.",
            "drop",
            "keep"
        );
        var loss = new LossArguments();
        return TrainingRun.Verb(
            "classifier",
            "Train a classifier on the training images but the last 10,000, which are validation images.",
            [net, .. schedule.All, .. optimizing.All, dropout, .. loss.All],
            run =>
            {
                IImageSource set = run.Set;
                using var context = new DefenseContext(set.Name, set.Shape, set.ClassNames.Count) { Source = set };
                ClassifierTraining options = optimizing.Of(run, schedule.Of(run, recipe)) with
                {
                    Architecture = Classifiers.FullName(run.Value(net)),
                    Loss = loss.Of(run.Result, context),
                    Dropout = run.Value(dropout) == "keep" ? DropoutReading.Keep : DropoutReading.Drop,
                };
                ImageSet test = run.Images(DataPart.Test);
                using var trainer = new ClassifierTrainer(options, run.Images(), run.Images(DataPart.Validation));
                double? validated = null;
                run.Train(
                    trainer,
                    step => Describe(step, validated),
                    stepped: step => validated = step.ValidationAccuracy ?? validated
                );
                double accuracy = Accuracy.Of(trainer.Classifier, test, run.Cancellation);
                run.Save(trainer.Classifier.Network, trainer.Describe(set.Name, run.Result.CommandText(), accuracy));
                File.Delete(run.Files.Checkpoint);
                run.Line(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{run.Files.Weights}: {options.Architecture}, classifies {accuracy * 100:0.00} % of "
                            + $"{test.Count:N0} test images correctly"
                    )
                );
            }
        );
    }

    private static string Describe(TrainingProgress step, double? validated)
    {
        string validation = validated is { } share
            ? string.Create(CultureInfo.InvariantCulture, $", validation {share * 100:0.0} %")
            : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"loss {step.Loss:0.000}, training {step.Accuracy * 100:0.0} %{validation}"
        );
    }
}
