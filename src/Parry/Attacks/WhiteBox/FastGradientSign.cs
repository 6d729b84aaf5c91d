using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// FGSM, the fast gradient sign method (Goodfellow, Shlens, Szegedy, 2014, 1412.6572): one step of the full budget
/// along the sign of the gradient of the cross entropy, away from the true class or towards the wanted one. Linf.
/// </summary>
public sealed record FastGradientSign : IBudgetAttack<IClassifier>
{
    /// <inheritdoc/>
    public string Name => "fgsm";

    /// <inheritdoc/>
    public GradientSteps GradientSteps => GradientSteps.One;

    /// <inheritdoc/>
    public Norm Norm => Norm.Linf;

    /// <inheritdoc/>
    [Option("eps", "the largest change of a value")]
    public double Epsilon { get; init; } = 0.3;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    /// <remarks>All budgets share the one gradient.</remarks>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        using var scope = NewDisposeScope();
        Tensor images = batch.Images;
        Tensor gradient = model.Gradient(batch.With(images), AttackLoss.CrossEntropy(batch.Goal)).Gradient;
        Tensor sign = gradient.sign();
        return scope.MoveAllToOuter(epsilons.Select(epsilon => (images + (epsilon * sign)).clamp(0, 1)).ToArray());
    }
}
