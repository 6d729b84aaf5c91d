using System.CommandLine;
using System.Globalization;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Generative.AutoEncoders;
using Parry.Models.Files;
using Parry.Models.Training;
using static TorchSharp.torch;

namespace Parry.Cli.Verbs;

/// <summary><c>parry train vae</c>: a dense variational auto-encoder.</summary>
internal static class TrainVaeVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new VaeTraining();
        var conditional = new Option<bool>("--conditional") { Description = "Tell encoder and decoder the label." };
        Option<int> latent = Arguments.Number("--latent", "Length of the latent vector.", recipe.Sizes.Latent, 1);
        Option<int[]> encoder = Sizes(
            "--encoder",
            "Units of the encoder's hidden layers, from the image to the latent vector.",
            recipe.Sizes.Encoder
        );
        Option<int[]> decoder = Sizes(
            "--decoder",
            "Units of the decoder's hidden layers, from the latent vector to the image.",
            recipe.Sizes.Decoder
        );
        var schedule = new ScheduleOptions(recipe.Schedule);
        return TrainingRun.Verb(
            "vae",
            "Train a dense variational auto-encoder on the first 50,000 training images.",
            [conditional, latent, encoder, decoder, .. schedule.All],
            run =>
            {
                ImageSet images = run.Images();
                var options = new VaeTraining
                {
                    Sizes = new VaeSizes
                    {
                        Latent = run.Value(latent),
                        Encoder = run.Value(encoder),
                        Decoder = run.Value(decoder),
                    },
                    Schedule = schedule.Of(run, recipe.Schedule),
                };
                if (run.Value(conditional))
                    Train(run, options, options.WithLabels(images), network => network.Describe(images.ClassNames));
                else
                    Train(run, options, options.On(images), network => network.Describe());
            }
        );
    }

    private static void Train<TNetwork>(
        TrainingRun run,
        VaeTraining options,
        NetworkTrainer<TNetwork> made,
        Func<TNetwork, ModelDescription> describe
    )
        where TNetwork : nn.Module<Tensor, Tensor>
    {
        using NetworkTrainer<TNetwork> trainer = made;
        run.Train(trainer);
        run.Save(trainer.Network, "auto-encoder", trainer, options.Schedule.Seed, describe(trainer.Network));
    }

    private static Option<int[]> Sizes(string name, string description, IReadOnlyList<int> defaults)
    {
        var option = new Option<int[]>(name)
        {
            Description = description,
            HelpName = "N",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [.. defaults],
        };
        option.Validators.Add(result =>
        {
            bool valid = result.Tokens.All(token =>
                int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size >= 1
            );
            if (!valid)
                result.AddError(
                    $"expected {name} to be whole numbers of at least 1, got \"{string.Join(' ', result.Tokens)}\""
                );
        });
        return option;
    }
}
