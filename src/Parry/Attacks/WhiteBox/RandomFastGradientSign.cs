using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// RAND+FGSM (Tramèr et al., 2017, 1705.07204): a random step of size alpha off the image, where gradients may be
/// masked, then FGSM with the rest of the budget: x' = clip(x + α·sign(N(0, I))), then clip(x' + (ε − α)·sign(∇)).
/// Linf. Alpha is 0.05 as in the Defense-GAN paper.
/// </summary>
public sealed record RandomFastGradientSign : IBudgetAttack<IClassifier>
{
    /// <inheritdoc/>
    public string Name => "rand-fgsm";

    /// <inheritdoc/>
    public GradientSteps GradientSteps => GradientSteps.One;

    /// <inheritdoc/>
    public Norm Norm => Norm.Linf;

    /// <inheritdoc/>
    [Option("eps", "the largest change of a value")]
    public double Epsilon { get; init; } = 0.3;

    /// <summary>
    /// The size of the random step; half the budget, the choice of Tramèr et al., where that is less.
    /// </summary>
    [Option("alpha", "size of the random step, at most half of eps")]
    public double Alpha { get; init; } = 0.05;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    /// <remarks>All budgets share the random signs, and those with the same alpha their gradient.</remarks>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        Tensor signs = batch.Random.Normal(0, images.shape.AsSpan(1)).sign();

        // Budgets of the same α share the start and its gradient.
        var starts = epsilons.Select(AlphaOf).Distinct().ToDictionary(alpha => alpha, Start);
        return scope.MoveAllToOuter(epsilons.Select(Step).ToArray());

        (Tensor Point, Tensor Direction) Start(double alpha)
        {
            Tensor point = (images + (alpha * signs)).clamp(0.0, 1.0);
            LossGradient pass = model.Gradient(batch.With(point), AttackLoss.CrossEntropy(batch.Goal));
            return (point, pass.Gradient.sign());
        }

        Tensor Step(double epsilon)
        {
            double alpha = AlphaOf(epsilon);
            var (point, direction) = starts[alpha];
            return (point + ((epsilon - alpha) * direction)).clamp(0.0, 1.0);
        }
    }

    private double AlphaOf(double epsilon) => Math.Min(Alpha, epsilon / 2);
}
