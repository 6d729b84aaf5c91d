using Parry.Data;
using Parry.Defenses.Purifiers;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Detectors;

/// <summary>
/// Feature squeezing (Xu, Evans, Qi, 2017, 1704.01155): an image is refused when squeezing it changes the classifier's
/// probabilities much. The score is the largest L1 distance, over the squeezers, between the softmax of the image and
/// that of the squeezed image; the threshold refuses a share of clean images.
/// </summary>
/// <remarks>
/// An attacker who knows it attacks all views of the image at once (He, Wei, Chen, Carlini, Song, 2017, 1706.04701):
/// <see cref="SqueezedViews"/>.
/// </remarks>
/// <param name="Classifier">Whose probabilities are compared.</param>
/// <param name="Squeezers">What squeezes.</param>
/// <param name="Threshold">The score from which an image is refused, in 0 to 2.</param>
public sealed record FeatureSqueezing(IClassifier Classifier, IReadOnlyList<IPurifier> Squeezers, double Threshold)
    : IDetector
{
    private const int PieceSize = 250;
    internal const int CleanImages = 2000;

    /// <inheritdoc/>
    public string Name => "squeezing";

    /// <summary>A detector that refuses a share of these images, rounded down to whole images.</summary>
    /// <param name="classifier">Whose probabilities are compared.</param>
    /// <param name="squeezers">What squeezes.</param>
    /// <param name="clean">Images without attack, none of which it is judged on.</param>
    /// <param name="rate">The share, in [0, 1].</param>
    public static FeatureSqueezing Calibrated(
        IClassifier classifier,
        IReadOnlyList<IPurifier> squeezers,
        ImageSet clean,
        double rate
    )
    {
        var detector = new FeatureSqueezing(classifier, squeezers, double.PositiveInfinity);
        float[] scores =
        [
            .. Workers
                .Shared.Map(
                    (clean.Count + PieceSize - 1) / PieceSize,
                    i =>
                    {
                        using var frozen = no_grad();
                        using var scope = NewDisposeScope();
                        ImageSet piece = clean.Slice(i * PieceSize, Math.Min(PieceSize, clean.Count - (i * PieceSize)));
                        return detector
                            .Scores(
                                piece.ImageTensor(),
                                new SampleRandom(
                                    0,
                                    Enumerable
                                        .Range(i * PieceSize, piece.Count)
                                        .Select(sample => (long)sample)
                                        .ToArray()
                                )
                            )
                            .ToArray<float>();
                    }
                )
                .SelectMany(part => part)
                .OrderDescending(),
        ];
        int refused = (int)(rate * scores.Length);
        return detector with { Threshold = refused == 0 ? MathF.BitIncrement(scores[0]) : scores[refused - 1] };
    }

    /// <inheritdoc/>
    public Tensor Scores(Tensor images, SampleRandom random)
    {
        var shown = new Images(images, random.Samples);
        Tensor plain = ((IScorer)Classifier).Probabilities(shown);
        IEnumerable<IScorer> squeezed = Squeezers.Select(squeezer => squeezer.Protect(Classifier, random));
        IEnumerable<Tensor> distances = squeezed.Select(model => (model.Probabilities(shown) - plain).abs().sum(1));
        return distances.Aggregate((most, distance) => most.maximum(distance));
    }
}

/// <summary>The options of <see cref="FeatureSqueezing"/>.</summary>
public sealed record FeatureSqueezingSettings : IDefenseSettings
{
    /// <summary>Bits of the squeezer of values.</summary>
    [Option("bits", "bits of the squeezer of values", Min = 1)]
    public int Bits { get; init; } = 1;

    /// <summary>The window of the squeezer by medians.</summary>
    [Option("window", "window of the squeezer by medians", Min = 1)]
    public int Window { get; init; } = 2;

    /// <summary>The share of clean validation images that are refused.</summary>
    [Option("rate", "share of clean validation images that are refused", Max = 1)]
    public double Rate { get; init; } = 0.05;

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        IPurifier[] squeezers =
        [
            new BitDepth(context.Shape) { Bits = Bits },
            new MedianSmoothing(context.Shape) { Window = Window },
        ];

        // The last ones: an evaluation on validation images takes the first.
        ImageSet validation = context.ValidationImages();
        int count = Math.Min(FeatureSqueezing.CleanImages, validation.Count);
        ImageSet clean = validation.Slice(validation.Count - count, count);
        return new DefenseSpec
        {
            Name = "feature-squeezing",
            Detectors = [FeatureSqueezing.Calibrated(context.Evaluated, squeezers, clean, Rate)],
            AttackersClassifier = new SqueezedViews(context.Evaluated, squeezers),
        };
    }
}
