using System.CommandLine;
using System.Globalization;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Defenses.Training;
using Parry.Models;
using Parry.Models.Architectures;

namespace Parry.Cli.Verbs;

/// <summary><c>parry train puvae</c>: the auto-encoder of PuVAE.</summary>
internal static class TrainPuVaeVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new PuVaeTraining();
        var data = new DataOptions();
        var source = new Option<string>("--source")
        {
            Description =
                "The classifier that has to see the label in what is drawn: a file, or the name of one that ships.",
            HelpName = "MODEL",
            Required = true,
        };
        Option<string> outFile = Arguments.OutFile(
            "The weight file to write, in float16; until the end a checkpoint lies beside it."
        );
        Option<int> width = Arguments.Number("--width", "Maps of each convolution.", recipe.Width, 1);
        Option<int> hidden = Arguments.Number("--hidden", "Units of the encoder's linear layers.", recipe.Hidden, 1);
        Option<int> latent = Arguments.Number("--latent", "Length of the latent vector.", recipe.Latent, 1);
        Option<double> reconstruction = Arguments.Number(
            "--reconstruction",
            "Weight of the pixels' cross entropy.",
            recipe.ReconstructionWeight,
            0.0
        );
        Option<double> divergence = Arguments.Number(
            "--divergence",
            "Weight of the codes' divergence from the prior.",
            recipe.DivergenceWeight,
            0.0
        );
        Option<double> classes = Arguments.Number(
            "--class",
            "Weight of the source classifier's cross entropy.",
            recipe.ClassWeight,
            0.0
        );
        var schedule = new ScheduleOptions(recipe.Schedule);
        Option<bool> resume = Arguments.Resume();
        var verb = new Command("puvae", "Train the auto-encoder of PuVAE on the first 50,000 training images.")
        {
            data,
            source,
            outFile,
            width,
            hidden,
            latent,
            reconstruction,
            divergence,
            classes,
        };
        schedule.AddTo(verb);
        verb.Add(resume);
        return verb.Does(
            (result, cancellation) =>
            {
                IImageSource set = data.Open(result, result.GetRequiredValue(source));
                var files = new TrainingFiles(result.GetRequiredValue(outFile), result.GetValue(resume));
                string sourceName = result.GetRequiredValue(source);
                ImageSet images = set.Load(DataPart.Train, Split.DefenseGan, data.Folder(result));
                IClassifier classifier = ModelCatalog
                    .LoadClassifier(sourceName, set.Shape, set.ClassNames.Count)
                    .Classifier;
                using var owned = classifier as IDisposable;
                PuVaeTraining options = recipe with
                {
                    Width = result.GetValue(width),
                    Hidden = result.GetValue(hidden),
                    Latent = result.GetValue(latent),
                    ReconstructionWeight = result.GetValue(reconstruction),
                    DivergenceWeight = result.GetValue(divergence),
                    ClassWeight = result.GetValue(classes),
                    Schedule = schedule.Of(result),
                };
                using var trainer = options.On(images, classifier, sourceName);
                using (ProgressLine progress = ProgressLine.Of(result))
                    AutoEncoderRun.Train(trainer, files, progress, cancellation);
                ModelFile.Save(
                    files.Weights,
                    trainer.Network,
                    trainer.Network.Describe(images.ClassNames) with
                    {
                        Data = set.Name,
                        Seed = options.Schedule.Seed,
                        Command = result.CommandText(),
                    },
                    half: true
                );
                File.Delete(files.Checkpoint);
                Output
                    .Of(result)
                    .Line(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{files.Weights}: PuVAE of {trainer.Network.ParameterCount():N0} parameters after "
                                + $"{trainer.Epochs} epochs"
                        )
                    );
                return 0;
            }
        );
    }
}
