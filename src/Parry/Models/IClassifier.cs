using System.Runtime.InteropServices;
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
    /// One forward and one backward pass: the logits, a loss of them, and the gradient of the summed loss with respect
    /// to the images. Attacks differentiate only through this method, so that a wrapper can count, average or replace
    /// gradients.
    /// </summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="loss">From logits [N, classes] to one loss per image, [N].</param>
    /// <exception cref="UserErrorException">The model cannot be differentiated.</exception>
    LossGradient Gradient(Tensor images, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        Tensor input = images.detach().requires_grad_();
        Tensor logits = Logits(input);
        if (!logits.requires_grad)
        {
            throw new UserErrorException(
                $"{Name(this)} has no gradients: its outputs are cut off from its images, as predictions in place "
                    + $"of logits are; "
                    + "export it so that it gives logits, or attack it with scores or labels only"
            );
        }

        Tensor losses = loss(logits);
        Tensor gradient = Differentiate(losses, input);
        return new LossGradient(
            scope.MoveToOuter(logits.detach()),
            scope.MoveToOuter(losses.detach()),
            scope.MoveToOuter(gradient)
        );
    }
    private Tensor Differentiate(Tensor losses, Tensor input)
    {
        try
        {
            return Autograd.Grad(losses.sum(), input);
        }
        catch (ExternalException e)
        {
            string reason = TorchErrors.FirstLine(e.InnerException ?? e);
            throw new UserErrorException(
                $"{Name(this)} cannot be differentiated: {reason}; change it, or attack it with scores or labels only",
                e
            );
        }
    }

    // A file's name, where there is one; not the name of a type.
    private static string Name(IClassifier model) =>
        model.ToString() is { Length: > 0 } name && name != model.GetType().ToString() ? name : "the model";
}
