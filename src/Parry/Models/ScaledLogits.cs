using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// A classifier whose logits are divided by a temperature: predictions stay the same, probabilities change, and
/// gradients do not vanish where logits are large.
/// </summary>
public sealed class ScaledLogits(IClassifier model, double temperature) : ClassifierWrapper(model)
{
    /// <inheritdoc/>
    public override Tensor Logits(Images images) => Model.Logits(images) / temperature;

    /// <inheritdoc/>
    public override LossGradient Gradient(Images images, Func<Tensor, Tensor> loss)
    {
        LossGradient pass = Model.Gradient(images, logits => loss(logits / temperature));
        return pass with { Logits = pass.Logits / temperature };
    }
}
