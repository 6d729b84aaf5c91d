using System.CommandLine;
using Parry.Attacks.Generative;
using Parry.Cli.Training;
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
        Option<double> epsilon = Arguments.Positive("--eps", "The largest change of a pixel.", recipe.Epsilon);
        Option<int> count = Arguments.Count(recipe.TrainingImages);
        Option<int> epochs = Arguments.Number("--epochs", "Passes over the training images.", recipe.Epochs, 1);
        Option<int?> latent = Arguments.Optional<int>(
            "--latent",
            "The length of the latent vector of a generator of five convolutions down and five up, such as 32; by "
                + "default the paper's generator."
        );
        Option<long> seed = Arguments.Seed();
        return TrainingRun.Verb(
            "advgan",
            "Train the generator of AdvGAN against a classifier, for advgan:weights=FILE.",
            [model, epsilon, count, epochs, latent, seed],
            run =>
            {
                string name = run.Value(model);
                var attack = new AdvGan
                {
                    Epsilon = run.Value(epsilon),
                    TrainingImages = run.Value(count),
                    Epochs = run.Value(epochs),
                    Latent = run.Value(latent),
                };
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                using AdvGanTraining trainer = attack.On(run.Classifier(name), name, run.Images(), run.Value(seed));
                run.Train(trainer);
                PerturbationGenerator network = trainer.Generator;
                run.Save(
                    network,
                    "AdvGAN's generator",
                    trainer,
                    run.Value(seed),
                    network.Describe(attack.Epsilon),
                    half: true
                );
            },
            result => result.GetRequiredValue(model),
            TrainingRun.HalfWeights
        );
    }
}
