using Parry.Generative.AutoEncoders;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Defense-VAE (Li and Ji, 2018, 1812.06570): a variational auto-encoder that was trained to map adversarial images to
/// clean ones replaces an image by what it decodes from the mean of the image's code, in one pass. It knows the attacks
/// and the classifier that it was trained with, and promises nothing against others.
/// </summary>
/// <param name="Network">The auto-encoder.</param>
public sealed record DefenseVae(DefenseVaeNetwork Network) : IPurifier
{
    private const int RowsAtOnce = 128;

    /// <inheritdoc/>
    public string Name => "defense-vae";

    /// <inheritdoc/>
    public ImageShape Shape => Network.Shape;

    /// <inheritdoc/>
    public GradientPath Path => GradientPath.Exact;

    /// <inheritdoc/>
    public bool IsRandom => false;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random) =>
        this.PurifyInPieces(images, random, RowsAtOnce, (rows, _) => Network.forward(rows));
}

/// <summary>The options of <see cref="DefenseVae"/>.</summary>
public sealed record DefenseVaeSettings : IDefenseSettings
{
    /// <summary>The auto-encoder's file or name; null for the one named after the data set.</summary>
    [Option("weights", "the auto-encoder's file or name")]
    public string? Weights { get; init; }

    /// <summary>A classifier trained on reconstructions, which stands behind it.</summary>
    [Option("rec", "a classifier trained on reconstructions, which stands behind it")]
    public string? Classifier { get; init; }

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        string weights = Weights ?? $"{context.Data}/defensevae";
        var purifier = new DefenseVae(context.Network(weights, DefenseVaeNetwork.Load).Network);
        return new DefenseSpec
        {
            Name = purifier.Name,
            Purifier = purifier,
            Classifier = Classifier is null ? null : context.Classifier(Classifier),
        };
    }
}
