using Parry.Attacks.Building;
using Parry.Generative;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Defense-GAN's projection (1805.06605) for far less work. Like Defense-GAN it looks for the nearest image that the
/// generator can draw. But its descents start from the nearest of many samples of the generator instead of at random,
/// and Adam takes the steps. After every stage only the better half of an image's descents goes on, and an image is
/// done when its error stops falling. Nothing in it is random.
/// </summary>
/// <param name="Generator">Draws images.</param>
/// <param name="Samples">Images that it drew, among which descents find their starts.</param>
public sealed record FastDefenseGan(ILatentModel Generator, PriorSamples Samples) : IProjection
{
    private const int ImagesAtOnce = 50;

    /// <summary>The default number of samples among which descents find their starts.</summary>
    public const int SampleCount = 8000;

    /// <summary>Descents of each image at the start.</summary>
    public int Starts { get; init; } = 4;

    /// <summary>Steps of a stage.</summary>
    public int StageSteps { get; init; } = 10;

    /// <summary>Stages; the descents are halved after each until one is left.</summary>
    public int Stages { get; init; } = 6;

    /// <summary>Adam's step size.</summary>
    public double LearningRate { get; init; } = 0.05;

    /// <summary>An image is done when a stage lowers its error by less than this share.</summary>
    public double Tolerance { get; init; } = 0.01;

    /// <summary>Float32, or bfloat16 for the descent; the final images and errors are always float32.</summary>
    public ScalarType Compute { get; init; } = ScalarType.Float32;

    /// <inheritdoc/>
    public string Name => "fast-defense-gan";

    /// <inheritdoc/>
    public ImageShape Shape => Generator.Shape;

    /// <inheritdoc/>
    public GradientPath Path => GradientPath.Identity;

    /// <inheritdoc/>
    public bool IsRandom => false;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random) =>
        this.PurifyInPieces(images, random, ImagesAtOnce, (rows, _) => Project(rows));

    private Tensor Project(Tensor images)
    {
        long count = images.size(0);
        Tensor best = zeros([count, Generator.Latent]);
        Tensor least = full([count], double.PositiveInfinity);
        long[] active = Rows.All(count);
        int each = Starts;
        var descent = new LatentDescent(Generator, Samples.Nearest(images, Starts), LearningRate, Compute);
        for (int stage = 0; stage < Stages && active.Length > 0; stage++)
        {
            Tensor targets = images.At(active).repeat_interleave(each, 0);
            for (int step = 0; step < StageSteps; step++)
                descent.Step(drawn => drawn - targets);

            // The descents of each image, the one with the smallest error first.
            var (errors, order) = descent.Errors(targets).reshape(-1, each).sort(1);
            Tensor error = errors.select(1, 0);
            Tensor before = least.At(active);
            Tensor nearest = descent.Latents.Choose(order.select(1, 0));
            best.Put(active, where((error < before).unsqueeze(1), nearest, best.At(active)));
            least.Put(active, error.minimum(before));

            long[] open = Rows.Where((error <= before * (1 - Tolerance)).ToArray<bool>(), true);
            int kept = Math.Max(1, each / 2);
            Tensor rows = order.slice(1, 0, kept, 1) + (each * arange(active.Length, ScalarType.Int64).unsqueeze(1));
            descent.Keep(rows.At(open).ToArray<long>());
            active = active.At(open);
            each = kept;
        }

        return Generator.Generate(best);
    }
}

/// <summary>The options of <see cref="FastDefenseGan"/>.</summary>
public sealed record FastDefenseGanSettings : IDefenseSettings
{
    /// <summary>The generator's file or name; null for the one that ships for the data set.</summary>
    [Option("gan", "a generator of any kind, or a variational auto-encoder: its file or name")]
    public string? Generator { get; init; }

    /// <summary>Samples of the generator to start from.</summary>
    [Option("samples", "samples of the generator to start from", Min = 1)]
    public int Samples { get; init; } = FastDefenseGan.SampleCount;

    /// <summary>Descents of each image at the start.</summary>
    [Option("starts", "descents of each image at the start", Min = 1)]
    public int Starts { get; init; } = 4;

    /// <summary>Steps of a stage.</summary>
    [Option("steps", "steps of a stage", Min = 1)]
    public int StageSteps { get; init; } = 10;

    /// <summary>Stages.</summary>
    [Option("stages", "stages", Min = 1)]
    public int Stages { get; init; } = 6;

    /// <summary>Adam's step size.</summary>
    [Option("rate", "Adam's step size")]
    public double LearningRate { get; init; } = 0.05;

    /// <summary>An image is done when a stage lowers its error by less than this share.</summary>
    [Option("tolerance", "share of the error below which an image is done")]
    public double Tolerance { get; init; } = 0.01;

    /// <summary>The number type of the projection.</summary>
    [Option("compute", "float32 or bfloat16")]
    public ScalarType Compute { get; init; } = ScalarType.Float32;

    /// <summary>A classifier trained on reconstructions, which stands behind it.</summary>
    [Option("rec", "a classifier trained on reconstructions, which stands behind it")]
    public string? Classifier { get; init; }

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        ILatentModel generator = context.LatentModel(Generator ?? $"{context.Data}/gan");
        PriorSamples samples = context.Own(new PriorSamples(generator, Samples, seed: 1));
        var purifier = new FastDefenseGan(generator, samples)
        {
            Starts = Math.Min(samples.Count, Starts),
            StageSteps = StageSteps,
            Stages = Stages,
            LearningRate = LearningRate,
            Tolerance = Tolerance,
            Compute = Compute,
        };
        return new DefenseSpec
        {
            Name = purifier.Name,
            Purifier = purifier,
            Classifier = Classifier is null ? null : context.Classifier(Classifier),
        };
    }
}
