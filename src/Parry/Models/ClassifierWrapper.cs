using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>A classifier around another one; it changes the logits, the gradients, or both.</summary>
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
    public virtual Tensor Predict(Images images) => Logits(images).argmax(1);

    /// <inheritdoc/>
    /// <remarks>Autograd differentiates <see cref="Logits"/> unless a wrapper knows better.</remarks>
    public virtual LossGradient Gradient(Images images, Func<Tensor, Tensor> loss) =>
        GradientPass.Of(this, images, loss);
}
