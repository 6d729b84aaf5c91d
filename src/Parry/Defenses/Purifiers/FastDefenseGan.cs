using Parry.Attacks.Building;
using Parry.Generative;
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

    /// <summary>What the command line knows of it.</summary>
    public static DefenseEntry Entry { get; } =
        new(
            "fast-defense-gan",
            "Defense-GAN's projection from the nearest samples, with Adam and fewer and fewer descents",
            "after Samangouei et al., 2018, 1805.06605",
            [
                new("gan", "the generator's file or name"),
                new("samples", "samples of the generator to start from"),
                new("starts", "descents of each image at the start"),
                new("steps", "steps of a stage"),
                new("stages", "stages"),
                new("rate", "Adam's step size"),
                new("tolerance", "share of the error below which an image is done"),
                new("compute", "float32 or bfloat16"),
                new("rec", "a classifier trained on reconstructions, to stand behind it"),
            ],
            (options, context) =>
            {
                ImageGenerator generator = context.Generator(options.Text("gan") ?? $"{context.Data}/gan");
                var samples = context.Own(new PriorSamples(generator, options.Whole("samples", SampleCount), seed: 1));
                var fast = new FastDefenseGan(generator, samples);
                fast = fast with
                {
                    Starts = Math.Min(samples.Count, options.Whole("starts", fast.Starts)),
                    StageSteps = options.Whole("steps", fast.StageSteps),
                    Stages = options.Whole("stages", fast.Stages),
                    LearningRate = options.Number("rate", fast.LearningRate),
                    Tolerance = options.Number("tolerance", fast.Tolerance),
                    Compute = options.Choice(
                        "compute",
                        ("float32", ScalarType.Float32),
                        ("bfloat16", ScalarType.BFloat16)
                    ),
                };
                return new DefenseSpec
                {
                    Name = fast.Name,
                    Purifier = fast,
                    Classifier = options.Text("rec") is { } rec ? context.Classifier(rec) : null,
                    Breaks = DefenseGan.BreaksOf(generator, fast),
                };
            }
        );

    /// <inheritdoc/>
    public string Name => Entry.Name;

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
