using Parry.Generative.AutoEncoders;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// PuVAE (Hwang, Park, Jang, Yoon, Cho, 2019, 1903.00585): a conditional variational auto-encoder reconstructs an image
/// once for every label, and the reconstruction with the smallest root mean squared error replaces the image. It may
/// stand before another classifier than the one that it was trained with.
/// </summary>
/// <remarks>
/// As in public code, codes are drawn with a tenth of their standard deviation. Everything but the choice of the label
/// can be differentiated, and that choice is the weak point: an attacker who moves the image nearer to the
/// reconstruction for another label gets an image of that label. The attack <see cref="Breaks.LabelFlipPull"/> does so.
/// </remarks>
/// <param name="Network">The auto-encoder.</param>
public sealed record PuVae(PuVaeNetwork Network) : IPurifier
{
    private const int RowsAtOnce = 64;

    /// <summary>The share of the codes' standard deviation that is drawn; 1 in training.</summary>
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
        this.PurifyInPieces(images, random, RowsAtOnce, Infer);

    /// <summary>
    /// Reconstructs images for every label. The label with the smallest error is a classifier's answer too: how often
    /// the classifier behind the purifier gives the same one tells how much that classifier still decides.
    /// </summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="random">Random draws for the same rows.</param>
    /// <returns>The reconstructions [N, classes, C, H, W] in [0, 1], and their mean squared errors [N, classes], in the
    /// same order as their roots.</returns>
    public (Tensor Reconstructions, Tensor Errors) ReconstructForEveryLabel(Tensor images, SampleRandom random)
    {
        long count = images.size(0);
        Tensor labels = Network.EveryLabel(count);
        Tensor features = Network.Features(images).repeat_interleave(Network.Classes, 0);
        GaussianCode code = Network.Encode(features, labels);
        Tensor noise = random.Normal(0, Network.Classes, Network.Latent).flatten(0, 1).to(images.dtype);
        Tensor codes = code.Draw(Noise * noise);
        Tensor decoded = Network.DecodeLogits(codes, labels).sigmoid();
        Tensor reconstructions = decoded.reshape([count, Network.Classes, .. images.shape[1..]]);
        Tensor errors = (reconstructions - images.unsqueeze(1)).pow(2).mean([2, 3, 4]);
        return (reconstructions, errors);
    }

    private Tensor Infer(Tensor images, SampleRandom random)
    {
        var (reconstructions, errors) = ReconstructForEveryLabel(images, random);
        Tensor label = errors.argmin(1);
        return reconstructions.flatten(0, 1).Choose(label);
    }
}

/// <summary>The options of <see cref="PuVae"/>.</summary>
public sealed record PuVaeSettings : IDefenseSettings
{
    /// <summary>The auto-encoder's file or name; null for the one that ships for the data set.</summary>
    [Option("weights", "the auto-encoder's file or name")]
    public string? Weights { get; init; }

    /// <summary>The share of the codes' standard deviation that is drawn.</summary>
    [Option("noise", "share of the codes' standard deviation that is drawn")]
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
        };
    }
}
