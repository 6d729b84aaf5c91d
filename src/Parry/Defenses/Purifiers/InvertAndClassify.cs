using Parry.Defenses.Detectors;
using Parry.Generative;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Invert and classify (Ilyas, Jalal, Asteri, Daskalakis, Dimakis, 2017, 1712.09196): finds z* = argmin |G(z) - x|, the
/// latent vector of the nearest image that a generator G can draw, and lets the classifier see G(z*) instead of x. An
/// image that is far from all that G draws may be refused (<see cref="OffManifold"/>). With a classifier that was
/// trained with <see cref="Training.RobustManifold"/> it is the paper's enhanced version.
/// </summary>
/// <remarks>
/// The idea is that of <see cref="DefenseGan"/>, published in the same months. What differs here is the descent, Adam
/// from several draws of the prior, and the generator, which may also be the decoder of a variational auto-encoder, as
/// in the paper's later versions. With a code of 20 numbers instead of 128 there is less room for the perturbation, and
/// a step costs a fraction.
/// </remarks>
/// <param name="Generator">G, which draws images.</param>
public sealed record InvertAndClassify(ILatentModel Generator) : IProjection
{
    private const int RowsOnProcessor = 500;

    /// <summary>Steps of a descent.</summary>
    public int Steps { get; init; } = 100;

    /// <summary>Descents of each image, of which the nearest result counts.</summary>
    public int Restarts { get; init; } = 10;

    /// <summary>Adam's step size.</summary>
    public double LearningRate { get; init; } = 0.1;

    /// <inheritdoc/>
    public string Name => "invert-and-classify";

    /// <inheritdoc/>
    public ImageShape Shape => Generator.Shape;

    /// <inheritdoc/>
    public GradientPath Path => GradientPath.Identity;

    /// <inheritdoc/>
    public bool IsRandom => true;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random)
    {
        int rowsAtOnce = Math.Max(1, Devices.RowsAtOnce(RowsOnProcessor, Shape.Pixels) / Restarts);
        return this.PurifyInPieces(images, random, rowsAtOnce, Invert);
    }

    private Tensor Invert(Tensor images, SampleRandom random)
    {
        Tensor latents = LatentDescent.Project(Generator, images, random, Restarts, Steps, LearningRate);
        return Generator.Draw(latents).Images;
    }
}

/// <summary>The options of <see cref="InvertAndClassify"/>.</summary>
public sealed record InvertAndClassifySettings : IDefenseSettings
{
    /// <summary>The file or name of a generator or of a variational auto-encoder.</summary>
    [Option("generator", "the file or name of a generator or of a variational auto-encoder")]
    public string? Generator { get; init; }

    /// <summary>Steps of a descent.</summary>
    [Option("l", "steps of a descent", Min = 1)]
    public int Steps { get; init; } = 100;

    /// <summary>Random starts.</summary>
    [Option("r", "random starts", Min = 1)]
    public int Restarts { get; init; } = 10;

    /// <summary>Adam's step size.</summary>
    [Option("rate", "Adam's step size")]
    public double LearningRate { get; init; } = 0.1;

    /// <summary>The L2 distance from the nearest drawn image at which an image is refused; null for none.</summary>
    [Option("reject", "L2 distance from the nearest drawn image at which an image is refused")]
    public double? Reject { get; init; }

    /// <summary>The attacker's steps; null for the defender's, at most 50.</summary>
    [Option("attack-l", "the attacker's steps", Min = 1)]
    public int? AttackSteps { get; init; }

    /// <summary>The attacker's starts; null for the defender's, at most 2.</summary>
    [Option("attack-r", "the attacker's starts", Min = 1)]
    public int? AttackRestarts { get; init; }

    /// <summary>Purifications over which the attacker averages a gradient.</summary>
    [Option("draws", "purifications the attacker averages a gradient over", Min = 1)]
    public int Draws { get; init; } = 1;

    /// <summary>A classifier that stands behind it, such as one trained with --robust-manifold.</summary>
    [Option("rec", "a classifier that stands behind it, such as one trained with --robust-manifold")]
    public string? Classifier { get; init; }

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        var purifier = new InvertAndClassify(context.LatentModel(Generator ?? $"{context.Data}/gan"))
        {
            Steps = Steps,
            Restarts = Restarts,
            LearningRate = LearningRate,
        };
        InvertAndClassify copy = purifier with
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
            Detectors = Reject is { } distance ? [new OffManifold(purifier, distance)] : [],
        };
    }
}
