using System.Runtime.InteropServices;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>Differentiates models by autograd.</summary>
internal static class GradientPass
{
    /// <summary>Runs one forward and one backward pass through <see cref="IClassifier.Logits"/>.</summary>
    /// <exception cref="UserErrorException">The model cannot be differentiated.</exception>
    public static LossGradient Of(IClassifier model, Images images, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        Tensor input = images.Pixels.detach().requires_grad_();
        Tensor logits = model.Logits(images.With(input));
        if (!logits.requires_grad)
            throw new UserErrorException(
                $"{Name(model)} has no gradients: its outputs are not differentiable, like predicted labels; export it "
                    + "so that it gives logits, or attack it with scores or labels only"
            );

        Tensor losses = loss(logits);
        Tensor gradient = Differentiate(model, losses, input);
        return new LossGradient(
            scope.MoveToOuter(logits.detach()),
            scope.MoveToOuter(losses.detach()),
            scope.MoveToOuter(gradient)
        );
    }

    /// <summary>
    /// Runs one pass on images that a differentiable function computes from a variable; the gradient is with respect to
    /// the variable.
    /// </summary>
    /// <param name="model">The model that is given the images.</param>
    /// <param name="samples">Images of the samples that the rows of the variable belong to.</param>
    /// <param name="variable">One row, or the same number of rows, for each sample.</param>
    /// <param name="toImages">Maps the variable to images; differentiable.</param>
    /// <param name="loss">Maps logits [N, classes] to one loss per image, [N].</param>
    public static LossGradient GradientThrough(
        this IClassifier model,
        Images samples,
        Tensor variable,
        Func<Tensor, Tensor> toImages,
        Func<Tensor, Tensor> loss
    )
    {
        using var scope = NewDisposeScope();
        LossGradient? pass = null;
        Tensor gradient = PullBack(
            variable,
            toImages,
            images => (pass = model.Gradient(samples.With(images), loss)).Gradient
        );
        return new LossGradient(
            scope.MoveToOuter(pass!.Logits),
            scope.MoveToOuter(pass.Losses),
            scope.MoveToOuter(gradient)
        );
    }

    /// <summary>
    /// Computes the gradient with respect to a variable from the gradient with respect to a differentiable function of
    /// it.
    /// </summary>
    public static Tensor PullBack(Tensor variable, Func<Tensor, Tensor> function, Func<Tensor, Tensor> gradientAt)
    {
        using var follow = enable_grad();
        Tensor input = variable.detach().requires_grad_();
        Tensor made = function(input);
        using var frozen = no_grad();
        return Autograd.Grad(made, input, gradientAt(made.detach()));
    }

    private static Tensor Differentiate(IClassifier model, Tensor losses, Tensor input)
    {
        using IDisposable? watch = PassTimeout.Watch(Name(model));
        try
        {
            return Autograd.Grad(losses.sum(), input);
        }
        catch (ExternalException e)
        {
            string reason = TorchErrors.FirstLine(e.InnerException ?? e);
            throw new UserErrorException(
                $"{Name(model)} cannot be differentiated: {reason}; change it, or attack it with scores or labels only",
                e
            );
        }
    }

    // The model's file if it has one; the name of a type would not help.
    private static string Name(IClassifier model) =>
        model.ToString() is { Length: > 0 } name && name != model.GetType().ToString() ? name : "the model";
}
