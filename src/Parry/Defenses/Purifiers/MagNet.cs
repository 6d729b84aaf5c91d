using System.Globalization;
using Parry.Data;
using Parry.Defenses.Breaks;
using Parry.Defenses.Detectors;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// MagNet (Meng and Chen, 2017, 1705.09064): detectors refuse images far from those that auto-encoders were trained on,
/// and a reformer, this purifier, draws the others again before the classifier sees them. Of several members of each
/// kind the defender draws one for a session.
/// </summary>
/// <remarks>
/// It was made for small perturbations, and counts a refused adversarial image as a success of the defense. An attacker
/// who adds the detectors to the loss breaks it (Carlini and Wagner, 2017, 1711.08478): <see cref="DetectorEvasion"/>.
/// </remarks>
/// <param name="Network">The auto-encoders.</param>
public sealed record MagNet(MagNetNetwork Network) : IPurifier
{
    private const int RowsAtOnce = 256;

    /// <summary>
    /// The member that reforms; null for one drawn anew for every image, as an attacker reckons with them.
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
        RowPieces.Purify(
            this,
            images,
            random,
            RowsAtOnce,
            (rows, draws) =>
            {
                Tensor reformed = Member is { } member ? Network.Reformers[member].forward(rows) : OneEach(rows, draws);
                return Purified.Of(rows, reformed);
            }
        );

    /// <summary>The detectors of one member, with the thresholds that its weight file has.</summary>
    /// <param name="network">The auto-encoders.</param>
    /// <param name="member">Which of them.</param>
    /// <param name="description">What the file says.</param>
    /// <param name="classifier">Whose answers are compared; null leaves these detectors out.</param>
    /// <exception cref="UserErrorException">The file has no thresholds.</exception>
    public static IReadOnlyList<IDetector> Detectors(
        MagNetNetwork network,
        int member,
        ModelDescription description,
        IClassifier? classifier
    ) =>
        [
            .. DetectorsWithout(network, member, classifier)
                .Where(detector =>
                    detector.Made is not AnswerDivergence || description.Setting(detector.Key) is not null
                )
                .Select(detector => WithThreshold(detector.Made, Threshold(description, detector.Key, member))),
        ];

    /// <summary>
    /// The detectors of one member before they have thresholds, with the names of these in weight files.
    /// </summary>
    internal static IReadOnlyList<(string Key, IDetector Made)> DetectorsWithout(
        MagNetNetwork network,
        int member,
        IClassifier? classifier
    )
    {
        var detectors = new List<(string, IDetector)>();
        if (network.Pooled.Count > 0)
            detectors.Add(("l2", new ReconstructionError(network.Pooled[member], network.Shape, 2, 0)));
        detectors.Add(("l1", new ReconstructionError(network.Plain[member], network.Shape, 1, 0)));
        foreach (int temperature in classifier is null ? [] : (int[])[10, 40])
            detectors.Add(
                ($"jsd{temperature}", new AnswerDivergence(network.Reformers[member], classifier!, temperature, 0))
            );
        return detectors;
    }

    private Tensor OneEach(Tensor rows, SampleRandom draws)
    {
        long[] index = [.. draws.Uniform(0, 1).ToArray<float>().Select(value => (long)(value * Network.Members))];
        Tensor all = stack([.. Network.Reformers.Select(reformer => reformer.forward(rows))], 1);
        return all.gather(
                1,
                tensor(index).reshape(-1, 1, 1, 1, 1).expand(-1, 1, Shape.Channels, Shape.Height, Shape.Width)
            )
            .squeeze(1);
    }

    private static IDetector WithThreshold(IDetector detector, double threshold) =>
        detector switch
        {
            ReconstructionError error => error with { Threshold = threshold },
            AnswerDivergence divergence => divergence with { Threshold = threshold },
            _ => detector,
        };

    private static double Threshold(ModelDescription description, string key, int member)
    {
        string[] texts = (description.Setting(key) ?? "").Split('/');
        return
            member < texts.Length
            && double.TryParse(texts[member], NumberStyles.Float, CultureInfo.InvariantCulture, out double threshold)
            ? threshold
            : throw new UserErrorException(
                $"the weights of magnet have no threshold {key} for member {member}: train them again with parry "
                    + $"train magnet"
            );
    }
}

/// <summary>The options of <see cref="MagNet"/>.</summary>
public sealed record MagNetSettings : IDefenseSettings
{
    /// <summary>The auto-encoders' file or name; null for those that ship for the data.</summary>
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
        IReadOnlyList<IDetector> detectors = MagNet.Detectors(
            network,
            member,
            description,
            answers is null ? null : context.Classifier(answers)
        );
        return new DefenseSpec
        {
            Name = "magnet",
            Purifier = new MagNet(network) { Member = member },
            AttackersPurifier = new MagNet(network) { Member = network.Members > 1 ? null : 0 },
            Draws = Draws,
            Detectors = detectors,
            Breaks =
            [
                new KnownBreak(
                    "cw-l2 past the detectors",
                    _ => new DetectorEvasion(detectors) { Iterations = 300, SearchSteps = 3 }
                ),
            ],
        };
    }
}
