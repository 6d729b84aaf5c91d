using Parry.Models.Training;

namespace Parry.Generative.Gans;

/// <summary>What one step of a GAN's training measured.</summary>
/// <param name="DiscriminatorLoss">The loss before the discriminator's last update, penalties included.</param>
/// <param name="GeneratorLoss">The loss before the generator's update.</param>
/// <param name="DiscriminatorGradient">The L2 norm of the discriminator's gradient over all its parameters.</param>
/// <param name="GeneratorGradient">The L2 norm of the generator's gradient over all its parameters.</param>
public sealed record GanStep(
    double DiscriminatorLoss,
    double GeneratorLoss,
    double DiscriminatorGradient,
    double GeneratorGradient
) : ITrainingStep
{
    /// <summary>
    /// The part of the discriminator's loss that penalizes its gradient; 0 where there is no penalty.
    /// </summary>
    public double Penalty { get; init; }

    /// <summary>What both networks' last updates measured.</summary>
    internal GanStep(Descent discriminator, Descent generator)
        : this(discriminator.Loss, generator.Loss, discriminator.GradientNorm, generator.GradientNorm) { }

    /// <inheritdoc/>
    public bool IsFinite =>
        double.IsFinite(DiscriminatorLoss + GeneratorLoss + DiscriminatorGradient + GeneratorGradient);
}
