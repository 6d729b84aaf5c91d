using Parry.Generative;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Defense-GAN (Samangouei, Kabkab, Chellappa, 2018, 1805.06605): replaces an image x by G(z*), the nearest image that
/// a generator G can draw. z* = argmin |G(z) - x|² is found by gradient descent from several random starts. The
/// classifier behind it is not changed.
/// </summary>
/// <remarks>
/// The descent is the published one: mean squared error over the pixels, heavy-ball momentum 0.7, step size 10, and the
/// image of the restart with the smallest error. Deviation: descents start from the prior that the generator was
/// trained on (standard deviation 1). The released code starts with standard deviation 0.088
/// (<see cref="PaperStart"/>), where the generator was never trained, and from there it also fits the perturbation. The
/// released code declares a decay of the step size but never applies it, so there is none here.
/// </remarks>
/// <param name="Generator">G, which draws images.</param>
public sealed record DefenseGan(ILatentModel Generator) : IProjection
{
    /// <summary>The released code's standard deviation of the starts, 1/sqrt(128).</summary>
    public const double PaperStart = 0.08838834764831845;

    private const int RowsOnProcessor = 500;

    /// <summary>
    /// L: the number of iterations of gradient descent. Too many fit the perturbation too, so choose it on validation
    /// images.
    /// </summary>
    public int Steps { get; init; } = 200;

    /// <summary>R: the number of random starts.</summary>
    public int Restarts { get; init; } = 10;

    /// <summary>Step size, for the error averaged over the pixels of one image.</summary>
    public double LearningRate { get; init; } = 10;

    /// <summary>The share of the previous step that is kept (heavy ball).</summary>
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
        int rowsAtOnce = Math.Max(1, Devices.RowsAtOnce(RowsOnProcessor, Shape.Pixels) / Restarts);
        return this.PurifyInPieces(images, random, rowsAtOnce, Project);
    }

    private Tensor Project(Tensor images, SampleRandom random)
    {
        Tensor target = images.repeat_interleave(Restarts, 0);
        Tensor starts = Start * random.Normal(0, Restarts, Generator.Latent);
        Tensor z = starts.flatten(0, 1);
        Tensor velocity = zeros_like(z);
        // The first of the L iterations only draws the starts.
        for (int step = 1; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            Drawing drawing = Generator.Draw(z, Compute);
            Tensor imageGradient = 2.0 / Shape.Pixels * (drawing.Images - target);
            velocity.mul_(Momentum).add_(drawing.LatentGradient(imageGradient));
            z.add_(velocity, -LearningRate);
        }

        using IDisposable? exact = Devices.FullFloat32();
        Tensor drawn = Generator.Generate(z);
        Tensor errors = (drawn - target).pow(2).MeanPerImage().reshape(-1, Restarts);
        return drawn.Choose(errors.argmin(1));
    }
}

/// <summary>The options of <see cref="DefenseGan"/>.</summary>
public sealed record DefenseGanSettings : IDefenseSettings
{
    /// <summary>The generator's file or name; null for the one that ships for the data set.</summary>
    [Option("gan", "a generator of any kind, or a variational auto-encoder: its file or name")]
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

    /// <summary>The share of the previous step that is kept.</summary>
    [Option("momentum", "share of the last step that is kept")]
    public double Momentum { get; init; } = 0.7;

    /// <summary>Where the descents start.</summary>
    [Option("init", "starts from the generator's prior, or as the paper's code")]
    public LatentStart Start { get; init; }

    /// <summary>The number type of the projection.</summary>
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

    /// <summary>A classifier trained on reconstructions, which stands behind it.</summary>
    [Option("rec", "a classifier trained on reconstructions, which stands behind it")]
    public string? Classifier { get; init; }

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        var purifier = new DefenseGan(context.LatentModel(Generator ?? $"{context.Data}/gan"))
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
            WeakerCopy = DefenseSpec.Weaker((copy.Steps, Steps, "steps"), (copy.Restarts, Restarts, "starts")),
            Draws = Draws,
            Classifier = Classifier is null ? null : context.Classifier(Classifier),
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
