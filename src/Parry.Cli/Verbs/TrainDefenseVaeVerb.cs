using System.CommandLine;
using System.Globalization;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Defenses.Training;
using Parry.Models;
using Parry.Models.Architectures;

namespace Parry.Cli.Verbs;

/// <summary>
/// <c>parry train defense-vae</c>: the auto-encoder of Defense-VAE, with adversarial images for one classifier.
/// </summary>
internal static class TrainDefenseVaeVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new DefenseVaeTraining();
        Option<string> model = Arguments.Model();
        var data = new DataOptions();
        Option<string> outFile = Arguments.OutFile(
            "The weight file to write; until the end a checkpoint lies beside it."
        );
        Option<int> count = Arguments.Count(5000);
        Option<int> width = Arguments.Number("--width", "Maps of the first convolution.", recipe.Width, 1);
        Option<int> latent = Arguments.Number("--latent", "Length of the latent vector.", recipe.Latent, 1);
        Option<double> divergence = Arguments.Number(
            "--divergence",
            "Weight of the codes' divergence from the prior; 0 in the paper's code.",
            recipe.DivergenceWeight,
            0.0
        );
        Option<int> iterations = Arguments.Number(
            "--cw-iterations",
            "Steps of Carlini and Wagner's attack.",
            recipe.CarliniIterations,
            1
        );
        var schedule = new ScheduleOptions(recipe.Schedule);
        Option<bool> resume = Arguments.Resume();
        var verb = new Command(
            "defense-vae",
            "Train Defense-VAE on training images under twelve attacks on a classifier; the paper takes all of them."
        )
        {
            model,
            data,
            outFile,
            count,
            width,
            latent,
            divergence,
            iterations,
        };
        schedule.AddTo(verb);
        verb.Add(resume);
        return verb.Does(
            (result, cancellation) =>
            {
                IImageSource set = data.Open(result, result.GetRequiredValue(model));
                var files = new TrainingFiles(result.GetRequiredValue(outFile), result.GetValue(resume));
                string target = result.GetRequiredValue(model);
                IClassifier classifier = ModelCatalog
                    .LoadClassifier(target, set.Shape, set.ClassNames.Count)
                    .Classifier;
                using var owned = classifier as IDisposable;
                ImageSet images = set.Load(
                    DataPart.Train,
                    Split.DefenseGan,
                    data.Folder(result),
                    result.GetValue(count)
                );
                DefenseVaeTraining options = recipe with
                {
                    Width = result.GetValue(width),
                    Latent = result.GetValue(latent),
                    DivergenceWeight = result.GetValue(divergence),
                    CarliniIterations = result.GetValue(iterations),
                    Schedule = schedule.Of(result),
                };
                using ProgressLine progress = ProgressLine.Of(result);
                ImageSet attacked = options.Attack(
                    images,
                    classifier,
                    new Told(share =>
                        progress.Show(() =>
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"attacking {images.Count:N0} images, {share:0 %} done, {progress.TimeLeft(share)}"
                            )
                        )
                    ),
                    cancellation
                );
                using var trainer = options.On(images, attacked, target);
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
                            $"{files.Weights}: Defense-VAE of {trainer.Network.ParameterCount():N0} parameters "
                                + $"after {trainer.Epochs} epochs"
                        )
                    );
                return 0;
            }
        );
    }

    // Told at once, on the thread that reports.
    private sealed class Told(Action<double> tell) : IProgress<double>
    {
        public void Report(double value) => tell(value);
    }
}
