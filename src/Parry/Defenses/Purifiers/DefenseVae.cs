using Parry.Defenses.Breaks;
using Parry.Generative;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Defense-VAE (Li and Ji, 2018, 1812.06570): an auto-encoder trained to draw the clean image from an adversarial one,
/// by one pass and from the mean of the code. It has seen the attacks that it was trained with, on the classifier that
/// they were made for, and promises nothing against others.
/// </summary>
/// <param name="Network">The auto-encoder.</param>
public sealed record DefenseVae(DefenseVaeNetwork Network) : IPurifier
{
    private const int RowsAtOnce = 128;

    /// <summary>What the command line knows of it.</summary>
    public static DefenseEntry Entry { get; } =
        new(
            "defense-vae",
            "draws the clean image from an adversarial one, as trained with known attacks",
            "Li and Ji, 2018, 1812.06570",
            [
                new("weights", "the auto-encoder's file or name"),
                new("rec", "a classifier trained on reconstructions, to stand behind it"),
            ],
            (options, context) =>
            {
                var purifier = new DefenseVae(
                    context
                        .Network(options.Text("weights") ?? $"{context.Data}/defensevae", DefenseVaeNetwork.Load)
                        .Network
                );
                return new DefenseSpec
                {
                    Name = "defense-vae",
                    Purifier = purifier,
                    Classifier = options.Text("rec") is { } rec ? context.Classifier(rec) : null,
                    Breaks =
                    [
                        new KnownBreak(
                            "reconstruction-evasion",
                            classifier => new ReconstructionEvasion(purifier, classifier)
                        ),
                    ],
                };
            }
        );

    /// <inheritdoc/>
    public string Name => Entry.Name;

    /// <inheritdoc/>
    public ImageShape Shape => Network.Shape;

    /// <inheritdoc/>
    public GradientPath Path => GradientPath.Exact;

    /// <inheritdoc/>
    public bool IsRandom => false;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random) =>
        RowPieces.Purify(this, images, random, RowsAtOnce, (rows, _) => Purified.Of(rows, Network.forward(rows)));
}
