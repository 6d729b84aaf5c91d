using System.CommandLine;
using System.Globalization;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Models.Architectures;
using static TorchSharp.torch;

namespace Parry.Cli.Verbs;

/// <summary><c>parry train vae</c>: a dense variational auto-encoder.</summary>
internal static class TrainVaeVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var recipe = new VaeTraining();
        var data = new DataOptions();
        Option<string> outFile = Arguments.OutFile(
            "The weight file to write; until the end a checkpoint lies beside it."
        );
        var conditional = new Option<bool>("--conditional") { Description = "Tell encoder and decoder the label." };
        Option<int> latent = Arguments.Number("--latent", "Length of the latent vector.", recipe.Sizes.Latent, 1);
        Option<int[]> encoder = Sizes(
            "--encoder",
            "Units of the encoder's hidden layers, from the image on.",
            recipe.Sizes.Encoder
        );
        Option<int[]> decoder = Sizes(
            "--decoder",
            "Units of the decoder's hidden layers, from the latent vector on.",
            recipe.Sizes.Decoder
        );
        var schedule = new ScheduleOptions(recipe.Schedule);
        Option<bool> resume = Arguments.Resume();
        var verb = new Command("vae", "Train a dense variational auto-encoder on the first 50,000 training images.")
        {
            data,
            outFile,
            conditional,
            latent,
            encoder,
            decoder,
        };
        schedule.AddTo(verb);
        verb.Add(resume);
        return verb.Does(
            (result, cancellation) =>
            {
                IImageSource set = data.Open(result);
                var files = new TrainingFiles(result.GetRequiredValue(outFile), result.GetValue(resume));
                ImageSet images = set.Load(DataPart.Train, Split.DefenseGan, data.Folder(result));
                var options = new VaeTraining
                {
                    Sizes = new VaeSizes
                    {
                        Latent = result.GetValue(latent),
                        Encoder = result.GetRequiredValue(encoder),
                        Decoder = result.GetRequiredValue(decoder),
                    },
                    Schedule = schedule.Of(result),
                };
                return result.GetValue(conditional)
                    ? Train(options.WithLabels(images), network => network.Describe(images.ClassNames))
                    : Train(options.On(images), network => network.Describe());

                int Train<TNetwork>(AutoEncoderTrainer<TNetwork> made, Func<TNetwork, ModelDescription> describe)
                    where TNetwork : nn.Module<Tensor, Tensor>
                {
                    using AutoEncoderTrainer<TNetwork> trainer = made;
                    using (ProgressLine progress = ProgressLine.Of(result))
                        AutoEncoderRun.Train(trainer, files, progress, cancellation);
                    ModelFile.Save(
                        files.Weights,
                        trainer.Network,
                        describe(trainer.Network) with
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
                                $"{files.Weights}: auto-encoder of {trainer.Network.ParameterCount():N0} parameters "
                                    + $"after {trainer.Epochs} epochs"
                            )
                        );
                    return 0;
                }
            }
        );
    }

    private static Option<int[]> Sizes(string name, string description, IReadOnlyList<int> otherwise)
    {
        var option = new Option<int[]>(name)
        {
            Description = description,
            HelpName = "N",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [.. otherwise],
        };
        option.Validators.Add(result =>
        {
            if (
                result.Tokens.Any(token =>
                    !int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int size)
                    || size < 1
                )
            )
                result.AddError(
                    $"expected {name} to be whole numbers of at least 1, got \"{string.Join(' ', result.Tokens)}\""
                );
        });
        return option;
    }
}
