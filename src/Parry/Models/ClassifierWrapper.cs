using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>A classifier that wraps another one and changes its logits, its gradients, or both.</summary>
/// <param name="model">The model inside.</param>
public abstract class ClassifierWrapper(IClassifier model) : IClassifier
{
    /// <inheritdoc/>
    public ImageShape Shape => Model.Shape;

    /// <inheritdoc/>
    public int Classes => Model.Classes;

    /// <summary>The model inside.</summary>
    protected IClassifier Model { get; } = model;

    /// <inheritdoc/>
    public IDisposable? EnterEvaluation() => Model.EnterEvaluation();

    /// <inheritdoc/>
    public abstract Tensor Logits(Images images);

    /// <inheritdoc/>
    public virtual Tensor Predict(Images images) => Predictions.OfScores(Logits(images));

    /// <inheritdoc/>
    /// <remarks>By default, autograd differentiates <see cref="Logits"/>.</remarks>
    public virtual LossGradient Gradient(Images images, Func<Tensor, Tensor> loss) =>
        GradientPass.Of(this, images, loss);
}
