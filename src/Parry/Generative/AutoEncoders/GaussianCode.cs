using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// What the encoder of a variational auto-encoder gives for each image: a normal distribution with independent
/// components (Kingma and Welling, 2013, 1312.6114).
/// </summary>
/// <param name="Mean">μ, [N, latent].</param>
/// <param name="Deviation">σ: the standard deviation, not the variance, [N, latent].</param>
public sealed record GaussianCode(Tensor Mean, Tensor Deviation)
{
    // Keeps the logarithm of the deviation finite.
    private const double Smallest = 1e-12;

    /// <summary>A code whose encoder gives the logarithm of the variance instead of the deviation.</summary>
    /// <param name="mean">μ, [N, latent].</param>
    /// <param name="logVariance">log σ², [N, latent].</param>
    internal static GaussianCode OfLogVariance(Tensor mean, Tensor logVariance) => new(mean, (0.5 * logVariance).exp());

    /// <summary>
    /// Draws latent vectors μ + σe, [N, latent]: reparameterized, so that gradients reach the encoder.
    /// </summary>
    /// <param name="noise">e: standard normal numbers, [N, latent].</param>
    public Tensor Draw(Tensor noise) => Mean + (Deviation * noise);

    /// <summary>
    /// The Kullback-Leibler divergence to the standard normal distribution, ½ Σ (μ² + σ² - log σ² - 1), [N].
    /// </summary>
    public Tensor Divergence()
    {
        Tensor logVariance = 2 * Deviation.clamp_min(Smallest).log();
        Tensor terms = Mean.pow(2) + Deviation.pow(2) - logVariance - 1;
        return 0.5 * terms.sum(1);
    }
}
