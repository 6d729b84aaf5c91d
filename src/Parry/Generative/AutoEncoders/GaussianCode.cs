using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// What the encoder of a variational auto-encoder makes of each image: a normal distribution with independent
/// components (Kingma and Welling, 2013, 1312.6114).
/// </summary>
/// <param name="Mean">[N, latent].</param>
/// <param name="Deviation">The standard deviation, not the variance, [N, latent].</param>
public sealed record GaussianCode(Tensor Mean, Tensor Deviation)
{
    // Below it, the logarithm of a deviation would leave float32.
    private const double Smallest = 1e-12;

    /// <summary>
    /// Latent vectors drawn from it, [N, latent]: the noise moved and scaled, so that gradients reach the encoder.
    /// </summary>
    /// <param name="noise">Standard normal numbers, [N, latent].</param>
    public Tensor Draw(Tensor noise) => Mean.add(Deviation.mul(noise));

    /// <summary>
    /// The Kullback-Leibler divergence to the standard normal distribution, ½ Σ (μ² + σ² - log σ² - 1), [N].
    /// </summary>
    public Tensor Divergence() =>
        Mean.pow(2.0)
            .add(Deviation.pow(2.0))
            .sub(Deviation.clamp_min(Smallest).log().mul(2.0))
            .sub(1.0)
            .sum(1)
            .mul(0.5);
}
