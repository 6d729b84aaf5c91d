using System.CommandLine;
using System.Globalization;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Generative.AutoEncoders;
using Parry.Generative.Diffusion;
using Parry.Models;
using Parry.Models.Architectures;

namespace Parry.Cli.Verbs;

/// <summary><c>parry train diffusion</c>: the network of purification by diffusion.</summary>
internal static class TrainDiffusionVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new DiffusionTraining();
        var data = new DataOptions();
        Option<string> outFile = Arguments.OutFile(
            "The weight file to write; until the end a checkpoint lies beside it."
        );
        Option<int> width = Arguments.Number("--width", "Maps at the image's size, a multiple of 8.", recipe.Width, 8);
        var schedule = new ScheduleOptions(recipe.Schedule);
        Option<bool> resume = Arguments.Resume();
        var verb = new Command(
            "diffusion",
            "Train the network of purification by diffusion on the first 50,000 training images."
        )
        {
            data,
            outFile,
            width,
        };
        schedule.AddTo(verb);
        verb.Add(resume);
        return verb.Does(
            (result, cancellation) =>
            {
                IImageSource set = data.Open(result);
                var files = new TrainingFiles(result.GetRequiredValue(outFile), result.GetValue(resume));
                ImageSet images = set.Load(DataPart.Train, Split.DefenseGan, data.Folder(result));
                var options = new DiffusionTraining { Width = result.GetValue(width), Schedule = schedule.Of(result) };
                using AutoEncoderTrainer<DiffusionUNet> trainer = options.On(images);
                using (ProgressLine progress = ProgressLine.Of(result))
                    AutoEncoderRun.Train(trainer, files, progress, cancellation);
                ModelFile.Save(
                    files.Weights,
                    trainer.Network,
                    trainer.Network.Describe() with
                    {
                        Data = set.Name,
                        Seed = options.Schedule.Seed,
                        Command = result.CommandText(),
                    }
                );
                File.Delete(files.Checkpoint);
                Output
                    .Of(result)
                    .Line(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{files.Weights}: diffusion network of {trainer.Network.ParameterCount():N0} "
                                + $"parameters after {trainer.Epochs} epochs"
                        )
                    );
                return 0;
            }
        );
    }
}
