using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// The evidence lower bound of variational auto-encoders (Kingma and Welling, 2013, 1312.6114), in nats, summed over
/// pixels and never averaged.
/// </summary>
public static class Elbo
{
    /// <summary>
    /// The negative bound of each image, [N]: how badly it is drawn again, and how far its code is from the prior.
    /// </summary>
    /// <param name="logits">What the decoder gives before its sigmoid, [N, …].</param>
    /// <param name="images">The images in [0, 1], of the same shape.</param>
    /// <param name="code">The distribution that the decoded latent vectors were drawn from.</param>
    public static Tensor Negative(Tensor logits, Tensor images, GaussianCode code) =>
        CrossEntropy(logits, images).add(code.Divergence());

    /// <summary>-Σ (x log x' + (1 - x) log(1 - x')) of each image, [N], for x' = sigmoid(logits).</summary>
    /// <param name="logits">[N, …].</param>
    /// <param name="images">In [0, 1], of the same shape.</param>
    public static Tensor CrossEntropy(Tensor logits, Tensor images) =>
        nn.functional.softplus(logits).sub(images.mul(logits)).flatten(1).sum(1);
}
