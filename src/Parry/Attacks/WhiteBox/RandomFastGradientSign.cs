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
        Goal goal = batch.Goal;
        SampleRandom random = batch.Random;
        using var scope = NewDisposeScope();
        Tensor signs = random.Normal(0, images.shape.AsSpan(1)).sign();
        var starts = epsilons
            .Select(AlphaOf)
            .Distinct()
            .ToDictionary(
                alpha => alpha,
                alpha =>
                {
                    Tensor start = signs.mul(alpha).add_(images).clamp_(0.0, 1.0);
                    return (
                        Start: start,
                        Direction: model.Gradient(batch.With(start), AttackLoss.CrossEntropy(goal)).Gradient.sign()
                    );
                }
            );
        return scope.MoveAllToOuter(
            epsilons
                .Select(epsilon =>
                {
                    var (start, direction) = starts[AlphaOf(epsilon)];
                    return direction.mul(epsilon - AlphaOf(epsilon)).add_(start).clamp_(0.0, 1.0);
                })
                .ToArray()
        );
    }

    private double AlphaOf(double epsilon) => Math.Min(Alpha, epsilon / 2);
}
