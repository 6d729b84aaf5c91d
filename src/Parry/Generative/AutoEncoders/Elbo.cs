using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// The evidence lower bound of variational auto-encoders (Kingma and Welling, 2013, 1312.6114), in nats, summed over
/// pixels and never averaged.
/// </summary>
public static class Elbo
{
    /// <summary>
    /// The negative bound of each image, [N]: its reconstruction loss plus the divergence of its code from the prior.
    /// </summary>
    /// <param name="logits">The decoder's output before the sigmoid, [N, …].</param>
    /// <param name="images">The images in [0, 1], of the same shape.</param>
    /// <param name="code">The distribution from which the decoded latent vectors were drawn.</param>
    public static Tensor Negative(Tensor logits, Tensor images, GaussianCode code) =>
        CrossEntropy(logits, images) + code.Divergence();

    /// <summary>-Σ (x log x' + (1 - x) log(1 - x')) of each image, [N], for x' = sigmoid(logits).</summary>
    /// <param name="logits">[N, …].</param>
    /// <param name="images">In [0, 1], of the same shape.</param>
    public static Tensor CrossEntropy(Tensor logits, Tensor images) =>
        (nn.functional.softplus(logits) - (images * logits)).flatten(1).sum(1);
}
