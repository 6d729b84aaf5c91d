using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>A model whose logits can be differentiated: what a white-box attack needs.</summary>
public interface IClassifier : IScorer
{
    /// <summary>Logits [N, classes]; autograd follows them back to the images when these require gradients.</summary>
    Tensor Logits(Tensor images);

    /// <inheritdoc/>
    Tensor IScorer.Probabilities(Tensor images) => Logits(images).softmax(-1);

    /// <inheritdoc/>
    Tensor IPredictor.Predict(Tensor images) => Logits(images).argmax(1);

    /// <summary>
    /// One forward and one backward pass: the logits, a loss of them, and the gradient of the summed loss with respect to the images. Attacks
    /// differentiate only through this method, so that a wrapper can count, average or replace gradients.
    /// </summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="loss">From logits [N, classes] to one loss per image, [N].</param>
    /// <exception cref="TorchException">The model cannot be differentiated.</exception>
    LossGradient Gradient(Tensor images, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        Tensor input = images.detach().requires_grad_();
        Tensor logits = Logits(input);
        Tensor losses = loss(logits);
        if (!losses.requires_grad)
        {
            throw new TorchException("The model's answers have no gradient (they are integers, or detached): take an attack that sees only scores or labels.");
        }

        Tensor gradient = Autograd.Grad(losses.sum(), input);
        return new LossGradient(scope.MoveToOuter(logits.detach()), scope.MoveToOuter(losses.detach()), scope.MoveToOuter(gradient));
    }
}
