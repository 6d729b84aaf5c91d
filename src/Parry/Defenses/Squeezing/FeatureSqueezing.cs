using Parry.Attacks.Building;
using Parry.Data;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Squeezing;

/// <summary>
/// Feature squeezing (Xu, Evans, Qi, 2017, 1704.01155): refuses an image when squeezing it changes the classifier's
/// probabilities much. The score is the largest L1 distance, over the squeezers, between the softmax of the image and
/// that of the squeezed image; the threshold refuses a share of clean images.
/// </summary>
/// <remarks>
/// An attacker who knows it attacks all views of the image at once (He, Wei, Chen, Carlini, Song, 2017, 1706.04701):
/// <see cref="SqueezedViews"/>.
/// </remarks>
/// <param name="Classifier">Gives the probabilities.</param>
/// <param name="Squeezers">Squeeze the image, each by itself.</param>
/// <param name="Threshold">An image is refused when its score is at least this, in 0 to 2.</param>
public sealed record FeatureSqueezing(IClassifier Classifier, IReadOnlyList<IPurifier> Squeezers, double Threshold)
    : IDetector
{
    private const int RowsAtOnce = 250;

    internal const int CleanImages = 2000;

    /// <inheritdoc/>
    public string Name => "squeezing";

    /// <summary>Makes a detector that refuses a share of clean images, rounded down to whole images.</summary>
    /// <param name="classifier">Gives the probabilities.</param>
    /// <param name="squeezers">Squeeze the image, each by itself.</param>
    /// <param name="clean">Images that nobody attacked; the detector must not be evaluated on them.</param>
    /// <param name="rate">The share, in [0, 1].</param>
    public static FeatureSqueezing Calibrated(
        IClassifier classifier,
        IReadOnlyList<IPurifier> squeezers,
        ImageSet clean,
        double rate
    )
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var detector = new FeatureSqueezing(classifier, squeezers, double.PositiveInfinity);
        var random = new SampleRandom(0, Rows.All(clean.Count));
        float[] scores = [.. detector.Scores(clean.ImageTensor(), random).ToArray<float>().OrderDescending()];
        int refused = (int)(rate * scores.Length);
        return detector with { Threshold = refused == 0 ? MathF.BitIncrement(scores[0]) : scores[refused - 1] };
    }

    /// <inheritdoc/>
    public Tensor Scores(Tensor images, SampleRandom random) =>
        this.ScoreInPieces(Classifier.Shape, images, random, RowsAtOnce, Distance);

    private Tensor Distance(Tensor images, SampleRandom random)
    {
        var shown = new Images(images, random.Samples);
        Tensor plain = Probabilities(Classifier);
        IEnumerable<Tensor> distances = Squeezers.Select(squeezer =>
        {
            Tensor squeezed = Probabilities(squeezer.Protect(Classifier, random));
            return (squeezed - plain).abs().sum(1);
        });
        return distances.Aggregate((largest, distance) => largest.maximum(distance));

        Tensor Probabilities(IScorer model) => model.Probabilities(shown);
    }
}

/// <summary>The options of <see cref="FeatureSqueezing"/>.</summary>
public sealed record FeatureSqueezingSettings : IDefenseSettings
{
    /// <summary>Bits of a value after bit depth reduction.</summary>
    [Option("bits", "bits of a value after bit depth reduction", Min = 1)]
    public int Bits { get; init; } = 1;

    /// <summary>The side of the window of median smoothing.</summary>
    [Option("window", "side of the window of median smoothing", Min = 1)]
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

        // The last images: an evaluation on validation images takes the first.
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
