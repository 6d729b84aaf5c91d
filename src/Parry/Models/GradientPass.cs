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
        var (input, logits) = Follow(model, images);
        Tensor losses = loss(logits);
        Tensor gradient = Differentiate(model, losses, input);
        return new LossGradient(
            scope.MoveToOuter(logits.detach()),
            scope.MoveToOuter(losses.detach()),
            scope.MoveToOuter(gradient)
        );
    }

    /// <summary>
    /// Runs one forward pass through <see cref="IClassifier.Logits"/>, and one backward pass for each of several
    /// losses.
    /// </summary>
    /// <exception cref="UserErrorException">The model cannot be differentiated.</exception>
    public static Jacobian OfEach(IClassifier model, Images images, Func<Tensor, Tensor> losses)
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        var (input, logits) = Follow(model, images);
        Tensor values = losses(logits);
        Tensor[] columns = values.unbind(1);
        Tensor[] gradients =
        [
            .. columns.Select((column, i) => Differentiate(model, column, input, retainGraph: i < columns.Length - 1)),
        ];
        return new Jacobian(
            scope.MoveToOuter(logits.detach()),
            scope.MoveToOuter(values.detach()),
            scope.MoveToOuter(stack(gradients, 1))
        );
    }

    /// <summary>Gives the gradients of several losses by <see cref="IClassifier.Gradient"/> of copies.</summary>
    /// <exception cref="UserErrorException">The model cannot be differentiated.</exception>
    public static Jacobian OfCopies(IClassifier model, Images images, int count, Func<Tensor, Tensor> losses)
    {
        using var scope = NewDisposeScope();
        Images copies = images.With(images.Pixels.repeat_interleave(count, 0));
        LossGradient pass = model.Gradient(copies, OfItsCopy);
        Tensor logits = pass.Logits.reshape(images.Count, count, -1).select(1, 0).clone();
        Tensor gradients = pass.Gradient.reshape([images.Count, count, .. images.Pixels.shape.AsSpan(1)]);
        return new Jacobian(
            scope.MoveToOuter(logits),
            scope.MoveToOuter(pass.Losses.reshape(images.Count, count)),
            scope.MoveToOuter(gradients)
        );

        // Copy k has loss k.
        Tensor OfItsCopy(Tensor all)
        {
            Tensor[] byCopy = all.reshape(images.Count, count, -1).unbind(1);
            return stack(byCopy.Select((one, k) => losses(one).select(1, k)), 1).reshape(-1);
        }
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

    // Images that gradients are followed to, and their logits.
    private static (Tensor Input, Tensor Logits) Follow(IClassifier model, Images images)
    {
        Tensor input = images.Pixels.detach().requires_grad_();
        Tensor logits = model.Logits(images.With(input));
        return logits.requires_grad
            ? (input, logits)
            : throw new UserErrorException(
                $"{Name(model)} has no gradients: its outputs are not differentiable, like predicted labels; export it "
                    + "so that it gives logits, or attack it with scores or labels only"
            );
    }

    private static Tensor Differentiate(IClassifier model, Tensor losses, Tensor input, bool retainGraph = false)
    {
        using IDisposable? watch = PassTimeout.Watch(Name(model));
        try
        {
            return Autograd.Grad(losses.sum(), input, retainGraph: retainGraph);
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
