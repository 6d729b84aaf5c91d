using Parry.Data;
using Parry.Defenses.Detectors;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// MagNet (Meng and Chen, 2017, 1705.09064): detectors (<see cref="MagNetDetectors"/>) refuse images that are far from
/// those that auto-encoders were trained on, and the reformer, which is this purifier, replaces each other image by an
/// auto-encoder's reconstruction. The defender may train several members of each kind and draw one for a session.
/// </summary>
/// <remarks>
/// It was made for small perturbations, and counts a refused adversarial image as a success of the defense. An attacker
/// who adds the detectors to the loss breaks it (Carlini and Wagner, 2017, 1711.08478):
/// <see cref="Breaks.DetectorEvasion"/>.
/// </remarks>
/// <param name="Network">The auto-encoders.</param>
public sealed record MagNet(MagNetNetwork Network) : IPurifier
{
    private const int RowsAtOnce = 256;

    /// <summary>
    /// The member that reforms; null for one drawn anew for every image, which is what an attacker expects who does not
    /// know the defender's choice.
    /// </summary>
    public int? Member { get; init; } = 0;

    /// <inheritdoc/>
    public string Name => "magnet";

    /// <inheritdoc/>
    public ImageShape Shape => Network.Shape;

    /// <inheritdoc/>
    public GradientPath Path => GradientPath.Exact;

    /// <inheritdoc/>
    public bool IsRandom => Member is null && Network.Members > 1;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random) =>
        this.PurifyInPieces(images, random, RowsAtOnce, Reform);

    private Tensor Reform(Tensor images, SampleRandom random)
    {
        if (Member is { } member)
            return Network.Reformers[member].forward(images);
        Tensor drawn = (random.Uniform(0) * Network.Members).to(ScalarType.Int64);
        Tensor reformed = stack([.. Network.Reformers.Select(reformer => reformer.forward(images))], 1);
        return reformed.flatten(0, 1).Choose(drawn);
    }
}

/// <summary>The options of <see cref="MagNet"/>.</summary>
public sealed record MagNetSettings : IDefenseSettings
{
    /// <summary>The auto-encoders' file or name; null for those that ship for the data set.</summary>
    [Option("weights", "the auto-encoders' file or name")]
    public string? Weights { get; init; }

    /// <summary>Decides which member of each kind is drawn.</summary>
    [Option("session", "decides which member of each kind is drawn")]
    public int Session { get; init; }

    /// <summary>The classifier whose answers the divergence detectors compare; null for the file's.</summary>
    [Option("classifier", "whose answers the divergence detectors compare, where the file has their thresholds")]
    public string? Classifier { get; init; }

    /// <summary>Reformers over which the attacker averages a gradient.</summary>
    [Option("draws", "reformers the attacker averages a gradient over", Min = 1)]
    public int Draws { get; init; } = 1;

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        var (network, description) = context.Network(Weights ?? $"{context.Data}/magnet", MagNetNetwork.Load);
        int member = new SplitMix64((ulong)Session).Next(network.Members);
        string? answers = Classifier ?? description.Setting("classifier");
        IClassifier? classifier = answers is null ? null : context.Classifier(answers);
        return new DefenseSpec
        {
            Name = "magnet",
            Purifier = new MagNet(network) { Member = member },
            AttackersPurifier = new MagNet(network) { Member = network.Members > 1 ? null : 0 },
            Draws = Draws,
            Detectors = MagNetDetectors.Load(network, member, description, classifier),
        };
    }
}
