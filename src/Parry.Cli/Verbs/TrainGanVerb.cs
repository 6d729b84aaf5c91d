using System.CommandLine;
using System.Globalization;
using Parry.Cli.Training;
using Parry.Data;
using Parry.Generative.Gans;
using Parry.Generative.Gans.Style;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Verbs;

/// <summary>
/// <c>parry train gan</c>: the generator for Defense-GAN, and the other generators of the GAN family.
/// </summary>
internal sealed class TrainGanVerb
{
    private const string WganGpName = "wgan-gp";
    private const string StyleGanName = "stylegan";

    private readonly DataOptions _data = new();
    private readonly Option<string> _outFile = Arguments.OutFile(
        "The weight file to write; checkpoint, sample sheet and log go beside it."
    );
    private readonly Option<string> _kind = Arguments.Choice(
        "--kind",
        "How it is trained; numbers that are not given are those of the kind's paper.",
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
        "Length of the latent vector: 128 for wgan-gp and hinge, 64 for stylegan, otherwise 100, if not given."
    );
    private readonly Option<int?> _iterations = Arguments.Optional<int>(
        "--iterations",
        "Generator steps: 200,000 for wgan-gp, 30,000 for gan, 20,000 for hinge, 8,000 for stylegan, otherwise "
            + "4,000, if not given."
    );
    private readonly Option<int?> _batch = Arguments.Optional<int>(
        "--batch",
        "Images in a batch: 50 for wgan-gp and hinge, otherwise 32, if not given."
    );
    private readonly Option<int?> _criticSteps = Arguments.Optional<int>(
        "--critic-steps",
        "Discriminator steps before each generator step: 5 for wgan-gp and wgan, otherwise 1, if not given; may "
            + "change with --resume for wgan-gp."
    );
    private readonly Option<double?> _learningRate = Arguments.Optional<double>(
        "--learning-rate",
        "The generator's step size: 0.0001 for wgan-gp and hinge, 0.00005 for wgan, 0.001 for stylegan, otherwise "
            + "0.0002, if not given; the discriminator's is four times that for hinge; may change with --resume for "
            + "wgan-gp."
    );
    private readonly Option<bool> _bfloat16 = new("--bfloat16")
    {
        Description = "Compute in bfloat16, for wgan-gp: about twice as fast where the processor has it.",
    };
    private readonly Option<string?> _judge = new("--judge")
    {
        Description =
            "A classifier that tells how many classes the samples show, for the other kinds: a file or the name of "
            + "a model that ships.",
        HelpName = "MODEL",
    };
    private readonly Option<long> _seed = Arguments.Seed();
    private readonly Option<int?> _threads = Arguments.Optional<int>(
        "--threads",
        "Threads to compute with; one per physical core if not given."
    );
    private readonly Option<int> _checkpointEvery = Arguments.Number(
        "--checkpoint-every",
        "Iterations between checkpoints.",
        500,
        1
    );
    private readonly Option<int> _samplesEvery = Arguments.Number(
        "--samples-every",
        "Iterations between sample sheets.",
        500,
        1
    );
    private readonly Option<bool> _resume = Arguments.Resume();

    /// <summary>Makes the verb.</summary>
    public static Command Create() => new TrainGanVerb().Make();

    private Command Make() =>
        new Command("gan", "Train a generator on the first 50,000 training images, by default the one for Defense-GAN.")
        {
            _data,
            _outFile,
            _kind,
            _width,
            _latent,
            _iterations,
            _batch,
            _criticSteps,
            _learningRate,
            _bfloat16,
            _judge,
            _seed,
            _threads,
            _checkpointEvery,
            _samplesEvery,
            _resume,
        }.Does(
            (result, cancellation) =>
            {
                string kind = result.GetRequiredValue(_kind);
                if (kind == WganGpName && result.GetValue(_judge) is not null)
                    throw new UserErrorException(
                        "expected no --judge with --kind wgan-gp: leave it out, or choose another kind"
                    );
                if (kind == StyleGanName && result.GetValue(_criticSteps) is not null)
                    throw new UserErrorException(
                        "expected no --critic-steps with --kind stylegan, which takes one: leave it out"
                    );
                if (kind != WganGpName && result.GetValue(_bfloat16))
                    throw new UserErrorException(
                        $"expected no --bfloat16 with --kind {kind}: leave it out, or train with --kind wgan-gp"
                    );
                IImageSource set = _data.Open(result, result.GetValue(_judge));
                TorchLibrary.SetThreads(result.GetValue(_threads) ?? Workers.PhysicalCores);
                var files = new TrainingFiles(result.GetRequiredValue(_outFile), result.GetValue(_resume));
                ImageSet images = set.Load(DataPart.Train, Split.DefenseGan, _data.Folder(result));
                if (kind == WganGpName)
                    TrainWganGp(result, set, images, files, cancellation);
                else if (kind == StyleGanName)
                    TrainStyleGan(result, set, images, files, cancellation);
                else
                    Train(result, GanNetworks.Find(kind)!.Value, set, images, files, cancellation);
                return 0;
            }
        );

    private void TrainWganGp(
        ParseResult result,
        IImageSource set,
        ImageSet images,
        TrainingFiles files,
        CancellationToken cancellation
    )
    {
        var recipe = new WganGp();
        var run = new WganGpRun
        {
            Options = recipe with
            {
                Width = result.GetValue(_width),
                Latent = result.GetValue(_latent) ?? recipe.Latent,
                Iterations = result.GetValue(_iterations) ?? recipe.Iterations,
                BatchSize = result.GetValue(_batch) ?? recipe.BatchSize,
                CriticSteps = result.GetValue(_criticSteps) ?? recipe.CriticSteps,
                LearningRate = result.GetValue(_learningRate) ?? recipe.LearningRate,
                Compute = result.GetValue(_bfloat16) ? ScalarType.BFloat16 : ScalarType.Float32,
                Seed = result.GetValue(_seed),
            },
            Images = images,
            Data = set.Name,
            Files = files,
            CheckpointEvery = result.GetValue(_checkpointEvery),
            SamplesEvery = result.GetValue(_samplesEvery),
            Command = result.CommandText(),
        };
        long parameters;
        using (ProgressLine progress = ProgressLine.Of(result))
            parameters = run.Run(progress, cancellation);
        Report(result, files, parameters, run.Options.Iterations);
    }

    private void Train(
        ParseResult result,
        GanKind kind,
        IImageSource set,
        ImageSet images,
        TrainingFiles files,
        CancellationToken cancellation
    )
    {
        GanRecipe defaults = GanRecipe.Of(kind);
        double rate = result.GetValue(_learningRate) ?? defaults.GeneratorRate;
        GanRecipe recipe = defaults with
        {
            Width = result.GetValue(_width),
            Latent = result.GetValue(_latent) ?? defaults.Latent,
            Iterations = result.GetValue(_iterations) ?? defaults.Iterations,
            BatchSize = result.GetValue(_batch) ?? defaults.BatchSize,
            DiscriminatorSteps = result.GetValue(_criticSteps) ?? defaults.DiscriminatorSteps,
            GeneratorRate = rate,
            DiscriminatorRate = rate * (defaults.DiscriminatorRate / defaults.GeneratorRate),
            Seed = result.GetValue(_seed),
        };
        using Tensor pixels = images.ByteTensor(),
            labels = images.LabelTensor();
        using var trainer = new GanTrainer(recipe, pixels, labels, images.ClassNames.Count);
        TrainFamily(
            result,
            trainer,
            recipe.Iterations,
            recipe.Loss.HasFloor,
            images,
            files,
            new ModelDescription
            {
                Architecture = GanNetworks.NameOf(kind),
                Data = set.Name,
                Shape = images.Shape,
                ClassNames = kind == GanKind.Cgan ? images.ClassNames : [],
                Latent = recipe.Latent,
                Width = recipe.Width,
                Seed = recipe.Seed,
                Command = result.CommandText(),
            },
            cancellation
        );
    }

    private void TrainStyleGan(
        ParseResult result,
        IImageSource set,
        ImageSet images,
        TrainingFiles files,
        CancellationToken cancellation
    )
    {
        var defaults = new StyleGan();
        StyleGan recipe = defaults with
        {
            Width = result.GetValue(_width),
            Latent = result.GetValue(_latent) ?? defaults.Latent,
            Iterations = result.GetValue(_iterations) ?? defaults.Iterations,
            BatchSize = result.GetValue(_batch) ?? defaults.BatchSize,
            LearningRate = result.GetValue(_learningRate) ?? defaults.LearningRate,
            Seed = result.GetValue(_seed),
        };
        using Tensor pixels = images.ByteTensor();
        using var trainer = new StyleGanTrainer(recipe, pixels);
        TrainFamily(
            result,
            trainer,
            recipe.Iterations,
            true,
            images,
            files,
            new ModelDescription
            {
                Architecture = ModelDescription.StyleGanArchitecture,
                Data = set.Name,
                Shape = images.Shape,
                Latent = recipe.Latent,
                Width = recipe.Width,
                Seed = recipe.Seed,
                Command = result.CommandText(),
            },
            cancellation
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        GanRun.WriteSheet(files.Mixing, trainer.MixingSheet(), 10);
        GanRun.WriteSheet(files.Truncation, trainer.TruncationSheet(), 10);
        Output.Of(result).Line($"{files.Mixing}: mixed styles; {files.Truncation}: truncated ones");
    }

    private void TrainFamily(
        ParseResult result,
        IGanTrainer trainer,
        int iterations,
        bool lossHasFloor,
        ImageSet images,
        TrainingFiles files,
        ModelDescription description,
        CancellationToken cancellation
    )
    {
        IClassifier? judge = result.GetValue(_judge) is { } model
            ? ModelCatalog.LoadClassifier(model, images.Shape, images.ClassNames.Count).Classifier
            : null;
        using var judged = judge as IDisposable;
        var run = new GanRun
        {
            Trainer = trainer,
            Iterations = iterations,
            LossHasFloor = lossHasFloor,
            Files = files,
            CheckpointEvery = result.GetValue(_checkpointEvery),
            SamplesEvery = result.GetValue(_samplesEvery),
            Judge = judge,
            Describe = iteration => description with { Iterations = iteration },
        };
        using (ProgressLine progress = ProgressLine.Of(result))
            run.Run(progress, cancellation);
        Report(result, files, trainer.Generator.ParameterCount(), iterations);
        Output output = Output.Of(result);
        output.Line(
            $"{files.Log}: losses and "
                + $"gradients{(run.Classes is { } classes ? $"; the last samples show {classes} of {images.ClassNames.Count} classes" : "")}"
        );
        foreach (string warning in run.Warnings)
            output.Line($"warning: {warning}");
    }

    private static void Report(ParseResult result, TrainingFiles files, long parameters, int iterations) =>
        Output
            .Of(result)
            .Line(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{files.Weights}: generator of {parameters:N0} parameters after {iterations:N0} iterations; "
                        + $"samples of it in {files.Samples}"
                )
            );
}
