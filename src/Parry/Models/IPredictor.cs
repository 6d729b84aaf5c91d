using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// A model of which only labels are seen: what a decision-based attack needs. Images are float32 [N, C, H, W] in [0, 1]
/// for every model; normalization and layout are its own business.
/// </summary>
public interface IPredictor
{
    /// <summary>The shape of the images it takes.</summary>
    ImageShape Shape { get; }

    /// <summary>The number of classes.</summary>
    int Classes { get; }

    /// <summary>The predicted classes, [N] int64.</summary>
    Tensor Predict(Images images);

    /// <summary>
    /// Puts the model into evaluation mode until the returned object is disposed; null when it has no other mode.
    /// </summary>
    IDisposable? EnterEvaluation() => null;
}
