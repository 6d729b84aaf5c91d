using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>The results of one forward and backward pass.</summary>
/// <param name="Logits">[N, classes].</param>
/// <param name="Losses">One per image, [N].</param>
/// <param name="Gradient">The gradient of the summed loss with respect to the images, [N, C, H, W].</param>
public sealed record LossGradient(Tensor Logits, Tensor Losses, Tensor Gradient);
