using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>The results of one forward pass and of one backward pass for each of K losses.</summary>
/// <param name="Logits">[N, classes].</param>
/// <param name="Losses">K per image, [N, K].</param>
/// <param name="Gradients">Their gradients with respect to the images, [N, K, C, H, W].</param>
public sealed record Jacobian(Tensor Logits, Tensor Losses, Tensor Gradients);
