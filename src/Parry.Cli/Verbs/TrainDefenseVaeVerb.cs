using System.CommandLine;
using System.Globalization;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Defenses.Training;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Models.Training;

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
        return TrainingRun.Verb(
            "defense-vae",
            "Train Defense-VAE on training images under twelve attacks on a classifier; the paper uses all images.",
            [model, count, width, latent, divergence, iterations, .. schedule.All],
            run =>
            {
                string target = run.Value(model);
                IClassifier classifier = run.Classifier(target);
                ImageSet images = run.Images(count: run.Value(count));
                DefenseVaeTraining options = recipe with
                {
                    Width = run.Value(width),
                    Latent = run.Value(latent),
                    DivergenceWeight = run.Value(divergence),
                    CarliniIterations = run.Value(iterations),
                    Schedule = schedule.Of(run, recipe.Schedule),
                };
                ImageSet attacked = options.Attack(
                    images,
                    classifier,
                    new AttackProgress(run.Progress, images.Count),
                    run.Cancellation
                );
                using NetworkTrainer<DefenseVaeNetwork> trainer = options.On(images, attacked, target);
                run.Train(trainer);
                DefenseVaeNetwork network = trainer.Network;
                run.Save(network, "Defense-VAE", trainer, options.Schedule.Seed, network.Describe());
            },
            result => result.GetRequiredValue(model)
        );
    }

    // Reports immediately, on the attacking thread.
    private sealed class AttackProgress(ProgressLine line, int images) : IProgress<double>
    {
        public void Report(double value) =>
            line.Show(() =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"attacking {images:N0} images, {value:0 %} done, {line.TimeLeft(value)}"
                )
            );
    }
}
