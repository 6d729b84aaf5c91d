using System.CommandLine;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Defenses.Training;
using Parry.Generative.AutoEncoders;
using Parry.Models.Training;

namespace Parry.Cli.Verbs;

/// <summary><c>parry train puvae</c>: the auto-encoder of PuVAE.</summary>
internal static class TrainPuVaeVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new PuVaeTraining();
        var source = new Option<string>("--source")
        {
            Description =
                "The classifier that must predict the label from the reconstruction: a file, or the name of one "
                + "that ships.",
            HelpName = "MODEL",
            Required = true,
        };
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
        return TrainingRun.Verb(
            "puvae",
            "Train the auto-encoder of PuVAE on the first 50,000 training images.",
            [source, width, hidden, latent, reconstruction, divergence, classes, .. schedule.All],
            run =>
            {
                ImageSet images = run.Images();
                string name = run.Value(source);
                PuVaeTraining options = recipe with
                {
                    Width = run.Value(width),
                    Hidden = run.Value(hidden),
                    Latent = run.Value(latent),
                    ReconstructionWeight = run.Value(reconstruction),
                    DivergenceWeight = run.Value(divergence),
                    ClassWeight = run.Value(classes),
                    Schedule = schedule.Of(run, recipe.Schedule),
                };
                using NetworkTrainer<PuVaeNetwork> trainer = options.On(images, run.Classifier(name), name);
                run.Train(trainer);
                PuVaeNetwork network = trainer.Network;
                long seed = options.Schedule.Seed;
                run.Save(network, "PuVAE", trainer, seed, network.Describe(images.ClassNames), half: true);
            },
            result => result.GetRequiredValue(source),
            TrainingRun.HalfWeights
        );
    }
}
