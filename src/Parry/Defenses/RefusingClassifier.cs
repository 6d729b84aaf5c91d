using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>A classifier behind detectors, to be attacked by gradients: see <see cref="Refusal"/>.</summary>
internal sealed class RefusingClassifier(IClassifier model, Refusal refusal) : ClassifierWrapper(model)
{
    /// <inheritdoc/>
    public override Tensor Logits(Images images)
    {
        var (refused, excess) = refusal.Of(images);
        return refusal.Answer(images, Model.Logits(images), refused, excess);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// By the chain rule: the gradient through the model, as the model gives it, plus that through the detectors.
    /// </remarks>
    public override LossGradient Gradient(Images images, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        Tensor x = images.Pixels.detach().requires_grad_();
        var (refused, excess) = refusal.Of(images.With(x));
        Tensor e = excess.detach();
        LossGradient pass = Model.Gradient(images, logits => loss(refusal.Answer(images, logits, refused, e)));
        Tensor variable = e.clone().requires_grad_();
        Tensor answer = refusal.Answer(images, pass.Logits, refused, variable);
        Tensor losses = loss(answer);
        Tensor gradient = pass.Gradient;
        if (excess.requires_grad && losses.requires_grad && refused.any().Item() != 0)
        {
            Tensor slope = Autograd.Grad(losses.sum(), variable);
            gradient = gradient + Autograd.Grad(excess, x, slope);
        }

        return new LossGradient(
            scope.MoveToOuter(answer.detach()),
            scope.MoveToOuter(losses.detach()),
            scope.MoveToOuter(gradient)
        );
    }
}
