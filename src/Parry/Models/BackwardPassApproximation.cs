using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// BPDA, backward pass differentiable approximation (Athalye, Carlini, Wagner, 2018, 1802.00420): a model behind a
/// preprocessing that cannot be differentiated, such as rounding or compression. The forward pass goes through the
/// preprocessing itself, the backward pass through a differentiable substitute, or as if the preprocessing returned its
/// input.
/// </summary>
/// <param name="model">What sees the preprocessed images.</param>
/// <param name="preprocess">From images [N, C, H, W] in [0, 1] to such images, without chance; it is never
/// differentiated.</param>
/// <param name="substitute">A differentiable function near the preprocessing, whose derivative stands for its own; null
/// for the identity.</param>
public sealed class BackwardPassApproximation(
    IClassifier model,
    Func<Tensor, Tensor> preprocess,
    Func<Tensor, Tensor>? substitute = null
) : IClassifier, IPerSample
{
    /// <inheritdoc/>
    public ImageShape Shape => model.Shape;

    /// <inheritdoc/>
    public int Classes => model.Classes;

    /// <inheritdoc/>
    public IPredictor For(ReadOnlyMemory<long> samples) =>
        new BackwardPassApproximation(model.For(samples), preprocess, substitute);

    /// <inheritdoc/>
    public IDisposable? EnterEvaluation() => model.EnterEvaluation();

    /// <inheritdoc/>
    public Tensor Logits(Tensor images)
    {
        Tensor seen = Preprocessed(images);
        if (!is_grad_enabled() || !images.requires_grad)
            return model.Logits(seen);

        // The value is the preprocessed image; autograd sees the substitute.
        Tensor smooth = substitute is null ? images : substitute(images);
        return model.Logits(smooth.add(seen.sub(smooth.detach())));
    }

    /// <inheritdoc/>
    public LossGradient Gradient(Tensor images, Func<Tensor, Tensor> loss)
    {
        LossGradient pass = model.Gradient(Preprocessed(images), loss);
        return substitute is null
            ? pass
            : pass with
            {
                Gradient = Transformed.Pull(images, substitute, _ => pass.Gradient),
            };
    }

    private Tensor Preprocessed(Tensor images)
    {
        using var frozen = no_grad();
        return preprocess(images.detach());
    }
}
