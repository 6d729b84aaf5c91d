using System.CommandLine;
using System.Globalization;
using Parry.Attacks.Generative;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Cli.Verbs;

/// <summary><c>parry train advgan</c>: the generator of AdvGAN.</summary>
internal static class TrainAdvGanVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new AdvGan();
        Option<string> model = Arguments.Model();
        var data = new DataOptions();
        Option<string> outFile = Arguments.OutFile(
            "The weight file to write, in float16; until the end a checkpoint lies beside it."
        );
        Option<double> epsilon = Arguments.Positive("--eps", "The largest change of a pixel.", recipe.Epsilon);
        Option<int> count = Arguments.Count(recipe.TrainingImages);
        Option<int> epochs = Arguments.Number("--epochs", "Passes over the training images.", recipe.Epochs, 1);
        Option<long> seed = Arguments.Seed();
        Option<bool> resume = Arguments.Resume();
        return new Command("advgan", "Train the generator of AdvGAN against a classifier, for advgan:weights=FILE.")
        {
            model,
            data,
            outFile,
            epsilon,
            count,
            epochs,
            seed,
            resume,
        }.Does(
            (result, cancellation) =>
            {
                IImageSource set = data.Open(result, result.GetRequiredValue(model));
                var files = new TrainingFiles(result.GetRequiredValue(outFile), result.GetValue(resume));
                string name = result.GetRequiredValue(model);
                ImageSet images = set.Load(DataPart.Train, Split.DefenseGan, data.Folder(result));
                IClassifier classifier = ModelCatalog.LoadClassifier(name, set.Shape, set.ClassNames.Count).Classifier;
                using var owned = classifier as IDisposable;
                var attack = new AdvGan
                {
                    Epsilon = result.GetValue(epsilon),
                    TrainingImages = result.GetValue(count),
                    Epochs = result.GetValue(epochs),
                };
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                using AdvGanTraining training = attack.On(classifier, name, images, result.GetValue(seed));
                using (ProgressLine progress = ProgressLine.Of(result))
                    Train(training, files, progress, cancellation);
                ModelDescription description = training.Generator.Describe(attack.Epsilon) with
                {
                    Data = set.Name,
                    Seed = result.GetValue(seed),
                    Command = result.CommandText(),
                };
                ModelFile.Save(files.Weights, training.Generator, description, half: true);
                File.Delete(files.Checkpoint);
                Output
                    .Of(result)
                    .Line(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{files.Weights}: AdvGAN's generator of {training.Generator.ParameterCount():N0} "
                                + $"parameters after {training.Epochs} epochs"
                        )
                    );
                return 0;
            }
        );
    }

    private static void Train(
        AdvGanTraining training,
        TrainingFiles files,
        ProgressLine progress,
        CancellationToken cancellation
    )
    {
        if (files.HasCheckpoint)
            Resume(training, files.Checkpoint);
        double begun = training.Epoch / (double)training.Epochs;
        try
        {
            while (training.Epoch < training.Epochs)
            {
                training.RunEpoch(cancellation);
                AtomicFile.Write(files.Checkpoint, training.Save);
                progress.Show(() =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"epoch {training.Epoch} of {training.Epochs}, "
                            + $"{progress.TimeLeft(training.Epoch / (double)training.Epochs, begun)}"
                    )
                );
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw new StoppedException(
                $"stopped after epoch {training.Epoch} of {training.Epochs}: give the same command with --resume to "
                    + $"go on"
            );
        }
    }

    private static void Resume(AdvGanTraining training, string checkpoint)
    {
        try
        {
            using SafeTensorsFile file = SafeTensors.Read(checkpoint);
            training.Resume(file);
        }
        catch (Exception e)
            when (e
                    is InvalidDataException
                        or IOException
                        or UnauthorizedAccessException
                        or KeyNotFoundException
                        or FormatException
                        or OverflowException
            )
        {
            throw new UserErrorException($"cannot go on from {checkpoint}: {e.Message} Remove it to start anew.", e);
        }
    }
}
