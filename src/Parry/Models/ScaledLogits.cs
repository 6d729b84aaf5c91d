using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// A classifier whose logits are divided by a temperature: the same predictions, other probabilities, and gradients
/// that do not vanish where logits are large.
/// </summary>
public sealed class ScaledLogits(IClassifier model, double temperature) : IClassifier, IPerSample
{
    /// <inheritdoc/>
    public ImageShape Shape => model.Shape;

    /// <inheritdoc/>
    public int Classes => model.Classes;

    /// <inheritdoc/>
    public IPredictor For(ReadOnlyMemory<long> samples) => new ScaledLogits(model.For(samples), temperature);

    /// <inheritdoc/>
    public IDisposable? EnterEvaluation() => model.EnterEvaluation();

    /// <inheritdoc/>
    public Tensor Logits(Tensor images) => model.Logits(images).div(temperature);

    /// <inheritdoc/>
    public LossGradient Gradient(Tensor images, Func<Tensor, Tensor> loss)
    {
        LossGradient pass = model.Gradient(images, logits => loss(logits.div(temperature)));
        return pass with { Logits = pass.Logits.div(temperature) };
    }
}
