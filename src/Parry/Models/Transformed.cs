using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// Gradients by what images are made of: the chain rule around <see cref="IClassifier.Gradient"/>, so that wrappers
/// still see every pass.
/// </summary>
internal static class Transformed
{
    /// <summary>
    /// One pass on the images that a differentiable function makes of a variable; the gradient is by the variable.
    /// </summary>
    public static LossGradient GradientThrough(
        this IClassifier model,
        Tensor variable,
        Func<Tensor, Tensor> toImages,
        Func<Tensor, Tensor> loss
    )
    {
        using var scope = NewDisposeScope();
        LossGradient? pass = null;
        Tensor gradient = Pull(variable, toImages, images => (pass = model.Gradient(images, loss)).Gradient);
        return new LossGradient(
            scope.MoveToOuter(pass!.Logits),
            scope.MoveToOuter(pass.Losses),
            scope.MoveToOuter(gradient)
        );
    }

    /// <summary>The gradient by a variable, from the gradient by what a differentiable function makes of it.</summary>
    public static Tensor Pull(Tensor variable, Func<Tensor, Tensor> function, Func<Tensor, Tensor> gradientAt)
    {
        using var follow = enable_grad();
        Tensor input = variable.detach().requires_grad_();
        Tensor made = function(input);
        using var frozen = no_grad();
        return Autograd.Grad(made, input, gradientAt(made.detach()));
    }
}
