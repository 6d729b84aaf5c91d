using Parry.Defenses.Breaks;
using Parry.Generative;
using Parry.Generative.Gans;
using Parry.Options;
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

    /// <inheritdoc/>
    public string Name => "defense-gan";

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
    /// <param name="generator">What draws.</param>
    /// <param name="copy">The attacker's copy of the purifier.</param>
    internal static IReadOnlyList<KnownBreak> BreaksOf(ILatentModel generator, IPurifier copy) =>
        [
            new("on-manifold", classifier => new OnManifold(generator, classifier)),
            new("overpowered", classifier => new Overpowered(generator, classifier)),
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

/// <summary>The options of <see cref="DefenseGan"/>.</summary>
public sealed record DefenseGanSettings : IDefenseSettings
{
    /// <summary>The generator's file or name; null for the one that ships for the data.</summary>
    [Option("gan", "the generator's file or name")]
    public string? Generator { get; init; }

    /// <summary>L: steps of the descent.</summary>
    [Option("l", "steps of the descent", Min = 1)]
    public int Steps { get; init; } = 200;

    /// <summary>R: random starts.</summary>
    [Option("r", "random starts", Min = 1)]
    public int Restarts { get; init; } = 10;

    /// <summary>The step size.</summary>
    [Option("rate", "step size")]
    public double LearningRate { get; init; } = 10;

    /// <summary>The share of the last step that is kept.</summary>
    [Option("momentum", "share of the last step that is kept")]
    public double Momentum { get; init; } = 0.7;

    /// <summary>Where the descents start.</summary>
    [Option("init", "starts from the generator's prior, or as the paper's code")]
    public LatentStart Start { get; init; }

    /// <summary>The type of the projection's numbers.</summary>
    [Option("compute", "float32 or bfloat16")]
    public ScalarType Compute { get; init; } = ScalarType.Float32;

    /// <summary>The attacker's steps; null for the defender's, at most 50.</summary>
    [Option("attack-l", "the attacker's steps", Min = 1)]
    public int? AttackSteps { get; init; }

    /// <summary>The attacker's starts; null for the defender's, at most 2.</summary>
    [Option("attack-r", "the attacker's starts", Min = 1)]
    public int? AttackRestarts { get; init; }

    /// <summary>Purifications over which the attacker averages a gradient.</summary>
    [Option("draws", "purifications the attacker averages a gradient over", Min = 1)]
    public int Draws { get; init; } = 1;

    /// <summary>A classifier trained on reconstructions, to stand behind it.</summary>
    [Option("rec", "a classifier trained on reconstructions, to stand behind it")]
    public string? Classifier { get; init; }

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        var purifier = new DefenseGan(context.Generator(Generator ?? $"{context.Data}/gan"))
        {
            Steps = Steps,
            Restarts = Restarts,
            LearningRate = LearningRate,
            Momentum = Momentum,
            Start = Start == LatentStart.Prior ? 1 : DefenseGan.PaperStart,
            Compute = Compute,
        };
        DefenseGan copy = purifier with
        {
            Steps = AttackSteps ?? Math.Min(Steps, 50),
            Restarts = AttackRestarts ?? Math.Min(Restarts, 2),
        };
        return new DefenseSpec
        {
            Name = purifier.Name,
            Purifier = purifier,
            AttackersPurifier = copy,
            Draws = Draws,
            Classifier = Classifier is null ? null : context.Classifier(Classifier),
            Breaks = DefenseGan.BreaksOf(purifier.Generator, copy),
        };
    }
}

/// <summary>Where Defense-GAN's descents start.</summary>
public enum LatentStart
{
    /// <summary>At latent vectors from the generator's prior.</summary>
    Prior,

    /// <summary>At shorter ones, as the paper's code does.</summary>
    Paper,
}
