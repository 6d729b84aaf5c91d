using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// The settings of WGAN-GP (Gulrajani et al., 2017, 1704.00028); the defaults are those of Defense-GAN (1805.06605).
/// </summary>
/// <remarks>
/// Deviations: the penalty takes the gradient norm of the whole image, where the released Defense-GAN code takes it per
/// image column; and an exponential average of the generator's weights is kept, which draws better images than the
/// weights of the last step.
/// </remarks>
public sealed record WganGp
{
    /// <summary>The channels of the generator's last hidden map and of the critic's first map.</summary>
    public int Width { get; init; } = 64;

    /// <summary>The length of a latent vector.</summary>
    public int Latent { get; init; } = 128;

    /// <summary>Generator steps.</summary>
    public int Iterations { get; init; } = 200_000;

    /// <summary>Critic steps before each generator step.</summary>
    public int CriticSteps { get; init; } = 5;

    /// <summary>Images in a batch.</summary>
    public int BatchSize { get; init; } = 50;

    /// <summary>Weight λ of the gradient penalty.</summary>
    public double Penalty { get; init; } = 10;

    /// <summary>Adam's step size, for both networks.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>Adam's first decay.</summary>
    public double Beta1 { get; init; } = 0.5;

    /// <summary>Adam's second decay.</summary>
    public double Beta2 { get; init; } = 0.9;

    /// <summary>Decay of the averaged generator.</summary>
    public double AverageDecay { get; init; } = 0.999;

    /// <summary>
    /// Float32, or bfloat16 activations over float32 weights: about twice as fast where the processor has them.
    /// </summary>
    public ScalarType Compute { get; init; } = ScalarType.Float32;

    /// <summary>Decides initial weights, order of images and latent vectors.</summary>
    public long Seed { get; init; } = 1;
}
