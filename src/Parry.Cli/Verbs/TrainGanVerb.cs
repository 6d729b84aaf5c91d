using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Generative.Gans;
using Parry.Generative.Gans.Style;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Cli.Verbs;

/// <summary>
/// <c>parry train gan</c>: the generator for Defense-GAN, and the other generators of the GAN family.
/// </summary>
internal sealed partial class TrainGanVerb
{
    private const string WganGpName = "wgan-gp";
    private const string StyleGanName = "stylegan";

    private readonly Option<string> _kind = Arguments.Choice(
        "--kind",
        "The kind of GAN; options that are not given default to the values of its paper.",
        [WganGpName, .. Enum.GetNames<GanKind>().Select(name => name.ToLowerInvariant()), StyleGanName]
    );
    private readonly Option<int> _width = Arguments.Number(
        "--width",
        "Channels of the generator's last hidden map; scales all layers.",
        new WganGp().Width,
        1
    );
    private readonly Option<int?> _latent = Arguments.Optional<int>(
        "--latent",
        "Length of the latent vector; by default 128 for wgan-gp and hinge, 64 for stylegan, otherwise 100."
    );
    private readonly Option<int?> _iterations = Arguments.Optional<int>(
        "--iterations",
        "Generator steps; by default 200,000 for wgan-gp, 30,000 for gan, 20,000 for hinge, 8,000 for stylegan, "
            + "otherwise 4,000."
    );
    private readonly Option<int?> _batch = Arguments.Optional<int>(
        "--batch",
        "Images in a batch; by default 50 for wgan-gp and hinge, otherwise 32."
    );
    private readonly Option<int?> _criticSteps = Arguments.Optional<int>(
        "--critic-steps",
        "Discriminator steps before each generator step; by default 5 for wgan-gp and wgan, otherwise 1. It may change "
            + "with --resume for wgan-gp."
    );
    private readonly Option<double?> _learningRate = Arguments.Optional<double>(
        "--learning-rate",
        "The generator's step size; by default 0.0001 for wgan-gp and hinge, 0.00005 for wgan, 0.001 for stylegan, "
            + "otherwise 0.0002. For hinge the discriminator's is four times that. It may change with --resume for "
            + "wgan-gp."
    );
    private readonly Option<bool> _bfloat16 = new("--bfloat16")
    {
        Description = "Compute in bfloat16, for wgan-gp: about twice as fast where the processor has it.",
    };
    private readonly Option<string?> _judge = new("--judge")
    {
        Description =
            "A classifier that counts how many classes the samples show: a file or the name of a model that ships.",
        HelpName = "MODEL",
    };
    private readonly Option<int[]> _samplesAt = new("--samples-at")
    {
        Description = "Iterations whose sample sheets are kept beside the weights; 0 is before training.",
        HelpName = "N",
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<long> _seed = Arguments.Seed();
    private readonly GanOptions _options = new();

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new TrainGanVerb();
        return TrainingRun.Verb(
            "gan",
            "Train a generator on the first 50,000 training images, by default the one for Defense-GAN.",
            [
                verb._kind,
                verb._width,
                verb._latent,
                verb._iterations,
                verb._batch,
                verb._criticSteps,
                verb._learningRate,
                verb._bfloat16,
                verb._judge,
                verb._samplesAt,
                verb._seed,
                .. verb._options.All,
            ],
            verb.Train,
            result => result.GetValue(verb._judge),
            GanOptions.Weights
        );
    }

    private void Train(TrainingRun run)
    {
        string kind = run.Value(_kind);
        if (kind == StyleGanName && run.Value(_criticSteps) is not null)
            throw new UserErrorException(
                "expected no --critic-steps with --kind stylegan, which takes one: leave it out"
            );
        if (kind != WganGpName && run.Value(_bfloat16))
            throw new UserErrorException(
                $"expected no --bfloat16 with --kind {kind}: leave it out, or train with --kind wgan-gp"
            );
        _options.SetThreads(run);
        ImageSet images = run.Images();
        if (run.Value(_batch) > images.Count)
            throw new UserErrorException(
                $"expected --batch to be at most the {images.Count} training images of {run.Set.Name}, got "
                    + $"{run.Value(_batch)}"
            );
        using Tensor pixels = images.ByteTensor();
        using Tensor labels = images.LabelTensor();
        switch (kind)
        {
            case WganGpName:
                TrainWganGp(run, pixels);
                break;
            case StyleGanName:
                TrainStyleGan(run, pixels);
                break;
            default:
                Train(run, GanNetworks.Find(kind)!.Value, pixels, labels);
                break;
        }
    }

    private void TrainWganGp(TrainingRun run, Tensor pixels)
    {
        var defaults = new WganGp();
        WganGp recipe = defaults with
        {
            Width = run.Value(_width),
            Latent = run.Value(_latent) ?? defaults.Latent,
            Iterations = run.Value(_iterations) ?? defaults.Iterations,
            BatchSize = run.Value(_batch) ?? defaults.BatchSize,
            CriticSteps = run.Value(_criticSteps) ?? defaults.CriticSteps,
            LearningRate = run.Value(_learningRate) ?? defaults.LearningRate,
            Compute = run.Value(_bfloat16) ? ScalarType.BFloat16 : ScalarType.Float32,
            Seed = run.Value(_seed),
        };
        using var trainer = new WganGpTrainer(recipe, pixels) { CheckpointEvery = _options.CheckpointEvery(run) };
        Train(
            run,
            trainer,
            hasFloor: false,
            () =>
                trainer.Generator.Describe() with
                {
                    Seed = recipe.Seed,
                    Command = CommandOf(_options.Command(run), trainer.Stages),
                }
        );
    }

    private void Train(TrainingRun run, GanKind kind, Tensor pixels, Tensor labels)
    {
        GanRecipe defaults = GanRecipe.Of(kind);
        double rate = run.Value(_learningRate) ?? defaults.GeneratorRate;
        GanRecipe recipe = defaults with
        {
            Width = run.Value(_width),
            Latent = run.Value(_latent) ?? defaults.Latent,
            Iterations = run.Value(_iterations) ?? defaults.Iterations,
            BatchSize = run.Value(_batch) ?? defaults.BatchSize,
            DiscriminatorSteps = run.Value(_criticSteps) ?? defaults.DiscriminatorSteps,
            GeneratorRate = rate,
            DiscriminatorRate = rate * (defaults.DiscriminatorRate / defaults.GeneratorRate),
            Seed = run.Value(_seed),
        };
        using var trainer = new GanFamilyTrainer(recipe, pixels, labels, run.Set.ClassNames.Count)
        {
            CheckpointEvery = _options.CheckpointEvery(run),
        };
        Train(
            run,
            trainer,
            recipe.Loss.HasFloor,
            () =>
                new ModelDescription
                {
                    Architecture = GanNetworks.NameOf(kind),
                    Data = run.Set.Name,
                    Shape = trainer.Shape,
                    ClassNames = kind == GanKind.Cgan ? run.Set.ClassNames : [],
                    Latent = recipe.Latent,
                    Width = recipe.Width,
                    Seed = recipe.Seed,
                }
        );
    }

    private void TrainStyleGan(TrainingRun run, Tensor pixels)
    {
        var defaults = new StyleGan();
        StyleGan recipe = defaults with
        {
            Width = run.Value(_width),
            Latent = run.Value(_latent) ?? defaults.Latent,
            Iterations = run.Value(_iterations) ?? defaults.Iterations,
            BatchSize = run.Value(_batch) ?? defaults.BatchSize,
            LearningRate = run.Value(_learningRate) ?? defaults.LearningRate,
            Seed = run.Value(_seed),
        };
        using var trainer = new StyleGanTrainer(recipe, pixels) { CheckpointEvery = _options.CheckpointEvery(run) };
        Train(
            run,
            trainer,
            hasFloor: true,
            () =>
                new ModelDescription
                {
                    Architecture = StyleGenerator.Architecture,
                    Data = run.Set.Name,
                    Shape = trainer.Shape,
                    Latent = recipe.Latent,
                    Width = recipe.Width,
                    Seed = recipe.Seed,
                }
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        GanRun.WriteSheet(run.Files.Mixing, trainer.MixingSheet(), 10);
        GanRun.WriteSheet(run.Files.Truncation, trainer.TruncationSheet(), 10);
        run.Line($"{run.Files.Mixing}: mixed styles; {run.Files.Truncation}: truncated styles");
    }

    private void Train(TrainingRun run, GanTrainer trainer, bool hasFloor, Func<ModelDescription> describe)
    {
        var training = new GanRun
        {
            Run = run,
            Trainer = trainer,
            LossHasFloor = hasFloor,
            SamplesEvery = _options.SamplesEvery(run),
            KeptSamples = run.Value(_samplesAt) ?? [],
            Judge = run.Value(_judge) is { } judge ? run.Classifier(judge) : null,
        };
        training.Train();
        ModelDescription description = describe();
        string command = description.Command.Length > 0 ? description.Command : _options.Command(run);
        run.Save(trainer.Generator, description with { Iterations = trainer.Iteration, Command = command });
        training.Report();
    }

    // The commands that make the same file again: one for each stage of the training.
    private static string CommandOf(string command, IReadOnlyList<TrainingStage> stages)
    {
        if (stages.Count == 1)
            return command;
        string common = StageOptions().Replace(command, "");
        return string.Join(
            " && ",
            stages.Select(
                (stage, i) =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{common} --critic-steps {stage.CriticSteps} --learning-rate {stage.LearningRate} "
                            + $"--iterations {stage.Until}{(i > 0 ? " --resume" : "")}"
                    )
            )
        );
    }

    [GeneratedRegex(
        @" --(critic-steps|learning-rate|iterations) \S+",
        RegexOptions.None,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex StageOptions();
}
