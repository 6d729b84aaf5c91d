using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>A model that gives class probabilities, which is what a score-based attack needs.</summary>
public interface IScorer : IPredictor
{
    /// <summary>Computes class probabilities, [N, classes].</summary>
    Tensor Probabilities(Images images);

    /// <inheritdoc/>
    Tensor IPredictor.Predict(Images images) => Predictions.OfScores(Probabilities(images));
}
