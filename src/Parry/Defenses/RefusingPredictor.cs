using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>A model without gradients behind detectors: see <see cref="Refusal"/>.</summary>
internal class RefusingPredictor(IPredictor model, Refusal refusal) : IPredictor
{
    public ImageShape Shape => model.Shape;

    public int Classes => model.Classes;

    protected Refusal Refusal => refusal;

    public virtual Tensor Predict(Images images) => refusal.Answer(images, model.Predict(images));

    public IDisposable? EnterEvaluation() => model.EnterEvaluation();
}

/// <summary>A model that gives scores, behind detectors.</summary>
internal sealed class RefusingScorer(IScorer model, Refusal refusal) : RefusingPredictor(model, refusal), IScorer
{
    private const double Smallest = 1e-30;

    public override Tensor Predict(Images images) => Predictions.OfScores(Probabilities(images));

    public Tensor Probabilities(Images images)
    {
        var (refused, excess) = Refusal.Of(images);
        Tensor logits = model.Probabilities(images).clamp_min(Smallest).log();
        return Refusal.Answer(images, logits, refused, excess).softmax(-1);
    }
}
