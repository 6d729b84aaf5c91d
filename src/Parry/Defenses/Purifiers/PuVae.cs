using Parry.Defenses.Breaks;
using Parry.Generative.AutoEncoders;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// PuVAE (Hwang, Park, Jang, Yoon, Cho, 2019, 1903.00585): a conditional auto-encoder draws an image again once for
/// each label, and the drawing nearest to the image, by root mean squared error, replaces it. Trained with one
/// classifier, it may stand before another.
/// </summary>
/// <remarks>
/// Codes are drawn with a tenth of their deviation, as public code does. Everything but the choice of the label can be
/// differentiated, and that choice is the weak point: whoever moves the image nearer to what is drawn for another label
/// gets an image of that label. <see cref="LabelFlipPull"/> does so.
/// </remarks>
/// <param name="Network">The auto-encoder.</param>
public sealed record PuVae(PuVaeNetwork Network) : IPurifier
{
    private const int RowsAtOnce = 64;

    /// <summary>By what the deviations of codes are multiplied; training has 1.</summary>
    public double Noise { get; init; } = 0.1;

    /// <inheritdoc/>
    public string Name => "puvae";

    /// <inheritdoc/>
    public ImageShape Shape => Network.Shape;

    /// <inheritdoc/>
    public GradientPath Path => GradientPath.Exact;

    /// <inheritdoc/>
    public bool IsRandom => Noise > 0;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random) =>
        RowPieces.Purify(
            this,
            images,
            random,
            RowsAtOnce,
            (rows, draws) =>
            {
                var (drawn, errors) = DrawForEveryLabel(rows, draws);
                Tensor nearest = errors.argmin(1, true);
                Tensor chosen = drawn
                    .gather(1, nearest.reshape(-1, 1, 1, 1, 1).expand(-1, 1, Shape.Channels, Shape.Height, Shape.Width))
                    .squeeze(1);
                return new Purified(chosen, errors.gather(1, nearest).squeeze(1));
            }
        );

    /// <summary>
    /// Images drawn again for every label, and how far each is from its image. The label of the smallest error is a
    /// classifier's answer too: how often it is the label of the classifier behind says how much that one still
    /// decides.
    /// </summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="random">Random draws for the same rows.</param>
    /// <returns>[N, classes, C, H, W] in [0, 1], and mean squared errors [N, classes]: their order is that of their
    /// roots.</returns>
    public (Tensor Images, Tensor Errors) DrawForEveryLabel(Tensor images, SampleRandom random)
    {
        long count = images.size(0);
        Tensor labels = Network.EveryLabel(count);
        GaussianCode code = Network.Encode(Network.Look(images).repeat_interleave(Network.Classes, 0), labels);
        Tensor noise = random
            .Normal(0, Network.Classes, Network.Latent)
            .reshape(-1, Network.Latent)
            .to(images.dtype)
            .mul(Noise);
        Tensor drawn = Network
            .DecodeLogits(code.Draw(noise), labels)
            .sigmoid()
            .reshape(count, Network.Classes, Shape.Channels, Shape.Height, Shape.Width);
        return (drawn, drawn.sub(images.unsqueeze(1)).pow(2.0).mean([2, 3, 4]));
    }
}

/// <summary>The options of <see cref="PuVae"/>.</summary>
public sealed record PuVaeSettings : IDefenseSettings
{
    /// <summary>The auto-encoder's file or name; null for the one that ships for the data.</summary>
    [Option("weights", "the auto-encoder's file or name")]
    public string? Weights { get; init; }

    /// <summary>The share of the codes' deviations that is drawn.</summary>
    [Option("noise", "share of the codes' deviations that is drawn")]
    public double Noise { get; init; } = 0.1;

    /// <summary>Purifications over which the attacker averages a gradient.</summary>
    [Option("draws", "purifications the attacker averages a gradient over", Min = 1)]
    public int Draws { get; init; } = 1;

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        PuVaeNetwork network = context.Network(Weights ?? $"{context.Data}/puvae", PuVaeNetwork.Load).Network;
        var purifier = new PuVae(network) { Noise = Noise };
        return new DefenseSpec
        {
            Name = purifier.Name,
            Purifier = purifier,
            Draws = Draws,
            Breaks =
            [
                new KnownBreak("label-flip-pull", classifier => new LabelFlipPull(purifier, classifier) { Draws = 3 }),
                new KnownBreak("reconstruction-evasion", classifier => new ReconstructionEvasion(purifier, classifier)),
            ],
        };
    }
}
