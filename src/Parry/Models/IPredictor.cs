using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// A model that gives labels, which is what a decision-based attack needs. Images are float32 [N, C, H, W] in [0, 1]
/// for every model; each model handles its own normalization and layout.
/// </summary>
public interface IPredictor
{
    /// <summary>The shape of the images it takes.</summary>
    ImageShape Shape { get; }

    /// <summary>The number of classes.</summary>
    int Classes { get; }

    /// <summary>Predicts the classes, [N] int64; -1 where its scores tell none (NaN).</summary>
    Tensor Predict(Images images);

    /// <summary>
    /// Puts the model into evaluation mode until the returned object is disposed; null if it has only one mode.
    /// </summary>
    IDisposable? EnterEvaluation() => null;
}
