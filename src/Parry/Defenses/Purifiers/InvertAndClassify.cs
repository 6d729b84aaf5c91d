using Parry.Defenses.Detectors;
using Parry.Generative;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Invert and classify (Ilyas, Jalal, Asteri, Daskalakis, Dimakis, 2017, 1712.09196): an image is replaced by the
/// nearest one of what a spanner draws, z* = argmin |G(z) - x|, and G(z*) is classified. An image that is far from all
/// of them may be refused: <see cref="OffManifold"/>. Before a classifier that was trained with
/// <see cref="Training.RobustManifold"/> it is the paper's enhanced version.
/// </summary>
/// <remarks>
/// The same idea as <see cref="DefenseGan"/> and of the same days. What differs here is the descent, Adam from several
/// draws of the prior, and that the decoder of a variational auto-encoder can span the images too, as in the paper's
/// later versions: with 20 numbers instead of 128 there is less room for the perturbation, and a step costs a fraction.
/// </remarks>
/// <param name="Spanner">What draws images.</param>
public sealed record InvertAndClassify(ISpanner Spanner) : IPurifier
{
    private const int RowsOnProcessor = 500;

    /// <summary>Steps of a descent.</summary>
    public int Steps { get; init; } = 100;

    /// <summary>Descents of each image; the one that comes nearest counts.</summary>
    public int Restarts { get; init; } = 10;

    /// <summary>Adam's step size.</summary>
    public double LearningRate { get; init; } = 0.1;

    /// <summary>What the command line knows of it.</summary>
    public static DefenseEntry Entry { get; } =
        new(
            "invert-and-classify",
            "replaces an image by the nearest one that a generator or a decoder draws, and may refuse what is far",
            "Ilyas, Jalal, Asteri, Daskalakis, Dimakis, 2017, 1712.09196",
            [
                new("spanner", "the file or name of a generator or of a variational auto-encoder"),
                new("l", "steps of a descent"),
                new("r", "random starts"),
                new("rate", "Adam's step size"),
                new("reject", "L2 distance from the nearest drawn image at which an image is refused"),
                new("attack-l", "the attacker's steps"),
                new("attack-r", "the attacker's starts"),
                new("draws", "purifications the attacker averages a gradient over"),
                new("rec", "a classifier to stand behind it, as one trained with --robust-manifold"),
            ],
            (options, context) =>
            {
                var paper = new InvertAndClassify(context.Spanner(options.Text("spanner") ?? $"{context.Data}/gan"));
                InvertAndClassify purifier = paper with
                {
                    Steps = options.Whole("l", paper.Steps),
                    Restarts = options.Whole("r", paper.Restarts),
                    LearningRate = options.Number("rate", paper.LearningRate),
                };
                InvertAndClassify copy = purifier with
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
                    Detectors = options.Text("reject") is null
                        ? []
                        : [new OffManifold(purifier, options.Number("reject", 0))],
                    Breaks = DefenseGan.BreaksOf(purifier.Spanner, copy),
                };
            }
        );

    /// <inheritdoc/>
    public string Name => Entry.Name;

    /// <inheritdoc/>
    public ImageShape Shape => Spanner.Shape;

    /// <inheritdoc/>
    public GradientPath Path => GradientPath.Identity;

    /// <inheritdoc/>
    public bool IsRandom => true;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random)
    {
        using Tensor unseen = images.detach();
        return RowPieces.Purify(
            this,
            unseen,
            random,
            Math.Max(1, Devices.RowsAtOnce(RowsOnProcessor, Shape.Pixels) / Restarts),
            (piece, draws) =>
                Purified.Of(
                    piece,
                    Spanner.Draw(LatentDescent.Project(Spanner, piece, draws, Restarts, Steps, LearningRate)).Images
                )
        );
    }
}
