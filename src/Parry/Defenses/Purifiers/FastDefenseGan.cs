using Parry.Attacks.Building;
using Parry.Generative.Gans;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Defense-GAN's projection (1805.06605) for far less work: descents start from the nearest of many samples of the
/// generator instead of at random, Adam takes the steps, after every stage only the better half of an image's descents
/// goes on, and an image whose error falls no more is done. What it looks for is the same, the nearest image that the
/// generator can draw; there is nothing random in it.
/// </summary>
public sealed record FastDefenseGan(ImageGenerator Generator, PriorSamples Samples) : IPurifier
{
    private const int ImagesAtOnce = 50;

    /// <summary>The number of samples whose nearest start the descents.</summary>
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
    public Purified Purify(Tensor images, SampleRandom random)
    {
        using Tensor unseen = images.detach();
        return RowPieces.Purify(this, unseen, random, ImagesAtOnce, (piece, _) => Project(piece));
    }

    private Purified Project(Tensor images)
    {
        int count = (int)images.size(0),
            descents = Starts;
        long[] active = Rows.All(count);
        var least = new float[count];
        Array.Fill(least, float.PositiveInfinity);
        Tensor best = zeros([count, Generator.Latent]);
        var descent = new LatentDescent(Generator, Samples.Nearest(images, Starts), LearningRate, Compute);
        for (int stage = 0; stage < Stages && active.Length > 0; stage++)
        {
            Tensor targets = images.At(active).repeat_interleave(descents, 0);
            for (int step = 0; step < StageSteps; step++)
                descent.Step(drawn => drawn.sub(targets));

            float[] errors = descent.Errors(targets).ToArray<float>();
            int left = Math.Max(1, descents / 2);
            var rows = new List<long>();
            var goOn = new List<long>();
            for (int i = 0; i < active.Length; i++)
            {
                long image = active[i];
                long[] order =
                [
                    .. Enumerable.Range(i * descents, descents).OrderBy(row => errors[row]).Select(row => (long)row),
                ];
                float error = errors[order[0]],
                    before = least[image];
                if (error < before)
                {
                    least[image] = error;
                    best.Put([image], descent.Latents.At([order[0]]));
                }

                if (error > before * (1 - Tolerance))
                    continue;
                rows.AddRange(order.Take(left));
                goOn.Add(image);
            }

            (active, descents) = ([.. goOn], left);
            descent.Keep([.. rows]);
        }

        Tensor projected = Generator.Generate(best);
        return new Purified(projected, projected.sub(images).pow(2.0).mean([1, 2, 3]));
    }
}

/// <summary>The options of <see cref="FastDefenseGan"/>.</summary>
public sealed record FastDefenseGanSettings : IDefenseSettings
{
    /// <summary>The generator's file or name; null for the one that ships for the data.</summary>
    [Option("gan", "the generator's file or name")]
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

    /// <summary>The share of the error below which an image is done.</summary>
    [Option("tolerance", "share of the error below which an image is done")]
    public double Tolerance { get; init; } = 0.01;

    /// <summary>The type of the projection's numbers.</summary>
    [Option("compute", "float32 or bfloat16")]
    public ScalarType Compute { get; init; } = ScalarType.Float32;

    /// <summary>A classifier trained on reconstructions, to stand behind it.</summary>
    [Option("rec", "a classifier trained on reconstructions, to stand behind it")]
    public string? Classifier { get; init; }

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        ImageGenerator generator = context.Generator(Generator ?? $"{context.Data}/gan");
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
            Breaks = DefenseGan.BreaksOf(generator, purifier),
        };
    }
}
