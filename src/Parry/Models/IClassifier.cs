using Parry.Torch;

namespace Parry.Models;

/// <summary>A model whose logits can be differentiated: what a white-box attack needs.</summary>
public interface IClassifier : IScorer
{
    /// <summary>Logits [N, classes]; autograd follows them back to the images when these require gradients.</summary>
    Tensor Logits(Tensor images);

    /// <inheritdoc/>
    Tensor IScorer.Probabilities(Tensor images) => Logits(images).Softmax();

    /// <inheritdoc/>
    Tensor IPredictor.Predict(Tensor images) => Logits(images).ArgMax(1);

    /// <summary>
    /// One forward and one backward pass: the logits, a loss of them, and the gradient of the summed loss with respect to the images. Attacks
    /// differentiate only through this method, so that a wrapper can count, average or replace gradients.
    /// </summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="loss">From logits [N, classes] to one loss per image, [N].</param>
    LossGradient Gradient(Tensor images, Func<Tensor, Tensor> loss)
    {
        using var scope = new TensorScope();
        using var follow = Autograd.WithGrad();
        Tensor input = images.Detach().RequireGrad();
        Tensor logits = Logits(input);
        Tensor losses = loss(logits);
        Tensor gradient = Autograd.Grad(losses.Sum(), input);
        return new LossGradient(scope.Keep(logits.Detach()), scope.Keep(losses.Detach()), scope.Keep(gradient));
    }
}
