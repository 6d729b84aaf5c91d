using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>
/// What detectors do to the answers of a model, as an evaluation counts them: a refused image is not misclassified, so
/// it counts as its true class y. For logits z the answer to a refused image is z'_y = max z + 0.01 + w·e, with e = Σ
/// log(1 + (score - threshold) / |threshold|) over the detectors that refuse it; all other logits stay. So every attack
/// seeks what is misclassified and accepted, and one that follows gradients lowers the scores that are too high (after
/// Carlini and Wagner, 2017, 1705.07263 and 1711.08478).
/// </summary>
/// <param name="detectors">The detectors; a gradient passes through them as far as they can be differentiated.</param>
/// <param name="truth">The true classes of the samples.</param>
/// <param name="draws">The detectors' random draws.</param>
/// <param name="weight">w, above 0: how much the detectors count beside the classifier.</param>
internal sealed class Refusal(IReadOnlyList<IDetector> detectors, TrueClasses truth, CallDraws draws, double weight)
{
    private const double Lead = 0.01;
    private const double Smallest = 1e-12;

    /// <summary>Puts detectors before a model; the result shows as much as the model, labels, scores or
    /// gradients.</summary>
    public IPredictor Before(IPredictor model) =>
        model switch
        {
            IClassifier classifier => new RefusingClassifier(classifier, this),
            IScorer scorer => new RefusingScorer(scorer, this),
            _ => new RefusingPredictor(model, this),
        };

    /// <summary>Which images are refused, [N] bool, and by how much, e, [N], zero where none refuses.</summary>
    public (Tensor Refused, Tensor Excess) Of(Images images)
    {
        SampleRandom random = draws.Next(images);
        Tensor refused = zeros([images.Count], ScalarType.Bool);
        Tensor excess = zeros([images.Count]);
        for (int i = 0; i < detectors.Count; i++)
        {
            IDetector detector = detectors[i];
            Tensor scores = detector.Scores(images.Pixels, random.Fork(i));
            Tensor above = (scores - detector.Threshold) / Math.Max(Math.Abs(detector.Threshold), Smallest);
            refused = refused.logical_or(scores.detach() >= detector.Threshold);
            excess = excess + above.clamp_min(0).log1p();
        }

        return (refused, excess);
    }

    /// <summary>The logits with what is refused as its true class.</summary>
    public Tensor Answer(Images images, Tensor logits, Tensor refused, Tensor excess)
    {
        Tensor y = truth.Of(images.Samples).unsqueeze(1);
        Tensor raised = logits.amax([1], true) + Lead + (weight * excess.unsqueeze(1));
        Tensor ofTruth = where(refused.unsqueeze(1), raised, logits.gather(1, y));
        return logits.scatter(1, y, ofTruth);
    }

    /// <summary>The predicted classes, with the true one for what is refused.</summary>
    public Tensor Answer(Images images, Tensor predictions)
    {
        var (refused, _) = Of(images);
        return where(refused, truth.Of(images.Samples), predictions);
    }
}
