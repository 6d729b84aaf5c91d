using Parry.Defenses.Breaks;
using Parry.Generative;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Defense-GAN (Samangouei, Kabkab, Chellappa, 2018, 1805.06605): an image is replaced by the nearest one that a
/// generator can draw, found by gradient descent on the latent vector from several random starts. The classifier behind
/// it stays as it is.
/// </summary>
/// <remarks>
/// The published descent: mean squared error over the pixels, heavy-ball momentum 0.7, step 10, and the image of the
/// restart with the smallest error. Deviation: descents start from the prior the generator was trained on (deviation
/// 1). The released code starts at deviation 0.088, a region the generator never saw, from where it also draws the
/// perturbation; that is <see cref="PaperStart"/>. The decay of the step that the paper's code announces never happens
/// there, and is left out.
/// </remarks>
public sealed record DefenseGan(ImageGenerator Generator) : IPurifier
{
    /// <summary>The released code's standard deviation of the starts, 1/sqrt(128).</summary>
    public const double PaperStart = 0.08838834764831845;

    private const int RowsOnProcessor = 500;

    /// <summary>
    /// Steps of the descent, L in the paper. Many steps fit the perturbation too: a regularizer to be chosen on
    /// validation images.
    /// </summary>
    public int Steps { get; init; } = 200;

    /// <summary>Random starts, R in the paper.</summary>
    public int Restarts { get; init; } = 10;

    /// <summary>Step size, for the error averaged over the pixels of one image.</summary>
    public double LearningRate { get; init; } = 10;

    /// <summary>Share of the last step's velocity that is kept.</summary>
    public double Momentum { get; init; } = 0.7;

    /// <summary>Standard deviation of the starts; 1 is the generator's prior.</summary>
    public double Start { get; init; } = 1;

    /// <summary>Float32, or bfloat16 for the descent; the final images and errors are always float32.</summary>
    public ScalarType Compute { get; init; } = ScalarType.Float32;

    /// <summary>What the command line knows of it.</summary>
    public static DefenseEntry Entry { get; } =
        new(
            "defense-gan",
            "replaces an image by the nearest one that a GAN draws",
            "Samangouei, Kabkab, Chellappa, 2018, 1805.06605",
            [
                new("gan", "the generator's file or name"),
                new("l", "steps of the descent"),
                new("r", "random starts"),
                new("rate", "step size"),
                new("momentum", "share of the last step that is kept"),
                new("init", "starts from the generator's prior, or as the paper's code"),
                new("compute", "float32 or bfloat16"),
                new("attack-l", "the attacker's steps"),
                new("attack-r", "the attacker's starts"),
                new("draws", "purifications the attacker averages a gradient over"),
                new("rec", "a classifier trained on reconstructions, to stand behind it"),
            ],
            (options, context) =>
            {
                var paper = new DefenseGan(context.Generator(options.Text("gan") ?? $"{context.Data}/gan"));
                DefenseGan purifier = paper with
                {
                    Steps = options.Whole("l", paper.Steps),
                    Restarts = options.Whole("r", paper.Restarts),
                    LearningRate = options.Number("rate", paper.LearningRate),
                    Momentum = options.Number("momentum", paper.Momentum),
                    Start = options.Choice("init", ("prior", 1), ("paper", PaperStart)),
                    Compute = options.Choice(
                        "compute",
                        ("float32", ScalarType.Float32),
                        ("bfloat16", ScalarType.BFloat16)
                    ),
                };
                DefenseGan copy = purifier with
                {
                    Steps = options.Whole("attack-l", Math.Min(purifier.Steps, 50)),
                    Restarts = options.Whole("attack-r", Math.Min(purifier.Restarts, 2)),
                };
                return new DefenseSpec
                {
                    Name = purifier.Name,
                    Purifier = purifier,
                    AttackersPurifier = copy,
                    Draws = options.Whole("draws", 1),
                    Classifier = options.Text("rec") is { } rec ? context.Classifier(rec) : null,
                    Breaks = BreaksOf(purifier.Generator, copy),
                };
            }
        );

    /// <inheritdoc/>
    public string Name => Entry.Name;

    /// <inheritdoc/>
    public bool IsRandom => true;

    /// <inheritdoc/>
    public ImageShape Shape => Generator.Shape;

    /// <inheritdoc/>
    public GradientPath Path => GradientPath.Identity;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random)
    {
        using Tensor unseen = images.detach();
        return RowPieces.Purify(
            this,
            unseen,
            random,
            Math.Max(1, Devices.RowsAtOnce(RowsOnProcessor, Shape.Pixels) / Restarts),
            Project
        );
    }

    /// <summary>
    /// The attacks known to break a projection onto what a generator draws, besides every attack that passes gradients
    /// through it (BPDA).
    /// </summary>
    /// <param name="spanner">What draws.</param>
    /// <param name="copy">The attacker's copy of the purifier.</param>
    internal static IReadOnlyList<KnownBreak> BreaksOf(ISpanner spanner, IPurifier copy) =>
        [
            new("on-manifold", classifier => new OnManifold(spanner, classifier)),
            new("overpowered", classifier => new Overpowered(spanner, classifier)),
            new("reconstruction-evasion", classifier => new ReconstructionEvasion(copy, classifier)),
        ];

    private Purified Project(Tensor images, SampleRandom random)
    {
        long count = images.size(0);
        Tensor target = images.repeat_interleave(Restarts, 0);
        Tensor latents = random
            .Normal(0, Restarts, Generator.Latent)
            .reshape(count * Restarts, Generator.Latent)
            .mul(Start);
        Tensor velocity = zeros_like(latents);
        for (int step = 1; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            Drawing pass = Generator.Draw(latents, Compute);
            Tensor gradient = pass.LatentGradient(pass.Images.sub(target).mul(2.0 / Shape.Pixels));
            velocity.mul_(Momentum).add_(gradient);
            latents.add_(velocity, -LearningRate);
        }

        using IDisposable? exact = Devices.FullFloat32();
        Tensor drawn = Generator.Generate(latents);
        Tensor errors = drawn.sub(target).pow(2.0).mean([1, 2, 3]).reshape(count, Restarts);
        Tensor best = errors.argmin(1);
        Tensor rows = arange(count * Restarts, ScalarType.Int64).slice(0, 0, count * Restarts, Restarts).add(best);
        return new Purified(drawn.index_select(0, rows), errors.gather(1, best.unsqueeze(1)).squeeze(1));
    }
}
