using System.CommandLine;
using System.Globalization;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Defenses;
using Parry.Models;
using Parry.Models.Architectures;

namespace Parry.Cli.Verbs;

/// <summary>
/// <c>parry train classifier</c>: one of the architectures, on clean or adversarial images, or on a teacher's word.
/// </summary>
internal static class TrainClassifierVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new Models.Training();
        var data = new DataOptions();
        Option<string> net = Arguments.Net();
        Option<string> outFile = Arguments.OutFile(
            "The weight file to write; until the end a checkpoint lies beside it."
        );
        Option<int> epochs = Arguments.Number("--epochs", "Passes over the training images.", recipe.Epochs, 1);
        Option<int> batch = Arguments.Number("--batch", "Images in a batch.", recipe.BatchSize, 1);
        Option<double> learningRate = Arguments.Positive(
            "--learning-rate",
            "Adam's step size at the start.",
            recipe.LearningRate
        );
        Option<double?> finalLearningRate = Arguments.Optional<double>(
            "--final-learning-rate",
            "Adam's step size at the end, reached linearly; constant if not given.",
            orZero: true
        );
        var mirror = new Option<bool>("--mirror")
        {
            Description =
                "Mirror half of the training images, drawn anew in every epoch: for classes that have no left and "
                + "right.",
        };
        Option<string> dropout = Arguments.Choice(
            "--dropout",
            "Whether dropout numbers are the share to drop or to keep.",
            "drop",
            "keep"
        );
        var loss = new LossArguments();
        Option<long> seed = Arguments.Seed();
        Option<bool> resume = Arguments.Resume();
        var command = new Command(
            "classifier",
            "Train a classifier on the first 50,000 training images; the last 10,000 validate."
        )
        {
            data,
            net,
            outFile,
            epochs,
            batch,
            learningRate,
            finalLearningRate,
            mirror,
            dropout,
            seed,
            resume,
        };
        foreach (Option option in loss.All)
            command.Add(option);
        return command.Does(
            (result, cancellation) =>
            {
                IImageSource set = data.Open(result);
                using var context = new DefenseContext(set.Name, set.Shape, set.ClassNames.Count) { Source = set };
                var options = recipe with
                {
                    Architecture = Classifiers.FullName(result.GetRequiredValue(net)),
                    Epochs = result.GetValue(epochs),
                    BatchSize = result.GetValue(batch),
                    LearningRate = result.GetValue(learningRate),
                    FinalLearningRate = result.GetValue(finalLearningRate),
                    Mirror = result.GetValue(mirror),
                    Loss = loss.Of(result, context),
                    Dropout = result.GetValue(dropout) == "keep" ? DropoutReading.Keep : DropoutReading.Drop,
                    Seed = result.GetValue(seed),
                };
                var files = new TrainingFiles(result.GetRequiredValue(outFile), result.GetValue(resume));
                string? folder = data.Folder(result);
                ImageSet train = set.Load(DataPart.Train, Split.DefenseGan, folder),
                    validation = set.Load(DataPart.Validation, Split.DefenseGan, folder),
                    test = set.Load(DataPart.Test, Split.DefenseGan, folder);
                using var trainer = new ClassifierTrainer(options, train, validation);
                if (files.HasCheckpoint)
                    trainer.Resume(files.Checkpoint);
                double accuracy;
                using (ProgressLine progress = ProgressLine.Of(result))
                {
                    Train(trainer, options, files, progress, cancellation);
                    accuracy = Accuracy.Of(trainer.Classifier, test, cancellation);
                }

                ModelFile.Save(
                    files.Weights,
                    trainer.Classifier.Network,
                    trainer.Describe(set.Name, result.CommandText(), accuracy)
                );
                File.Delete(files.Checkpoint);
                Output
                    .Of(result)
                    .Line(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{files.Weights}: {options.Architecture}, {accuracy * 100:0.00} % of {test.Count:N0} "
                                + $"test images right"
                        )
                    );
                return 0;
            }
        );
    }

    private static void Train(
        ClassifierTrainer trainer,
        Models.Training options,
        TrainingFiles files,
        ProgressLine progress,
        CancellationToken cancellation
    )
    {
        double begun = trainer.Epoch / (double)options.Epochs;
        double? validated = null;
        try
        {
            trainer.Run(
                files.Checkpoint,
                now =>
                {
                    validated = now.ValidationAccuracy ?? validated;
                    progress.Show(() =>
                    {
                        double done = (now.Epoch - 1 + (now.Batch / (double)now.Batches)) / options.Epochs;
                        string validation = validated is { } share
                            ? string.Create(CultureInfo.InvariantCulture, $", validation {share * 100:0.0} %")
                            : "";
                        return string.Create(
                            CultureInfo.InvariantCulture,
                            $"epoch {now.Epoch} of {options.Epochs}, loss {now.Loss:0.000}, training "
                                + $"{now.Accuracy * 100:0.0} %{validation}, {progress.TimeLeft(done, begun)}"
                        );
                    });
                },
                cancellation
            );
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw new StoppedException(
                $"stopped after epoch {trainer.Epoch} of {options.Epochs}: give the same command with --resume to go on"
            );
        }
        catch (TrainingDivergedException e)
        {
            string kept = e.Epoch > 0 ? $"; {files.Checkpoint} keeps the weights after epoch {e.Epoch}" : "";
            throw new InvalidOperationException($"{e.Message}{kept}: start anew with a smaller --learning-rate", e);
        }
    }
}
