using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>The results of one forward pass and of one backward pass for each of K losses.</summary>
/// <param name="Logits">[N, classes].</param>
/// <param name="Losses">K per image, [N, K].</param>
/// <param name="Gradients">Their gradients with respect to the images, [N, K, C, H, W].</param>
public sealed record Jacobian(Tensor Logits, Tensor Losses, Tensor Gradients)
{
    /// <summary>The pass of one loss of each image.</summary>
    /// <param name="columns">Which loss, [N] int64.</param>
    public LossGradient At(Tensor columns)
    {
        Tensor chosen = (arange(Losses.size(0), ScalarType.Int64) * Losses.size(1)) + columns;
        return new LossGradient(
            Logits,
            Losses.flatten().index_select(0, chosen),
            Gradients.flatten(0, 1).index_select(0, chosen)
        );
    }
}
