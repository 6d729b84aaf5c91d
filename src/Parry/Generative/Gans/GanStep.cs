namespace Parry.Generative.Gans;

/// <summary>What one step of a training measured.</summary>
/// <param name="DiscriminatorLoss">Before its last update.</param>
/// <param name="GeneratorLoss">Before its update.</param>
/// <param name="DiscriminatorGradient">The L2 norm of the discriminator's gradient over all its parameters.</param>
/// <param name="GeneratorGradient">The L2 norm of the generator's gradient over all its parameters.</param>
public sealed record GanStep(
    double DiscriminatorLoss,
    double GeneratorLoss,
    double DiscriminatorGradient,
    double GeneratorGradient
)
{
    /// <summary>Whether all of it is finite; when not, the weights are lost.</summary>
    public bool IsFinite =>
        double.IsFinite(DiscriminatorLoss + GeneratorLoss + DiscriminatorGradient + GeneratorGradient);
}
