using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Breaks;

/// <summary>
/// Attacks a purifier's classifier and stays unnoticed by the purifier's reconstruction error, as selective projected
/// gradient descent (Bryniarski, Hingun, Pachuca, Wang, Carlini, 2021, 2106.15023): where an image is classified
/// rightly a step raises the margin of the best wrong class, elsewhere it lowers the error. Of the points that are
/// wrong the one of the smallest error is kept, or else that of the largest margin.
/// </summary>
/// <remarks>
/// Both gradients come from one purification. Where a purifier's own operators cannot be differentiated
/// (<see cref="GradientPath.Identity"/>), the margin's gradient passes as if it returned its input (BPDA), and the
/// error's is that of mean (x - P(x))² with P(x) held fixed, which is exact for a projection at its optimum, P(x) =
/// argmin over G(z) of |x - G(z)|² (envelope theorem). The attacker has the purifier and the classifier, and no meter
/// counts his passes. Deviation: wrong by a margin of 1 counts as wrong, not by any margin, because a defender's draws
/// are not the attacker's.
/// </remarks>
/// <param name="Purifier">The attacker's copy of the purifier.</param>
/// <param name="Classifier">The classifier behind it.</param>
public sealed record ReconstructionEvasion(IPurifier Purifier, IClassifier Classifier) : IBudgetAttack<IClassifier>
{
    private const int RowsAtOnce = 64;

    /// <inheritdoc/>
    public string Name => "reconstruction-evasion";

    /// <summary>The norm of the budget: Linf, L2 or L1.</summary>
    public Norm Norm { get; init; } = Norm.Linf;

    /// <inheritdoc/>
    public double Epsilon { get; init; } = 0.3;

    /// <summary>The number of steps; each costs one purification.</summary>
    public int Steps { get; init; } = 20;

    /// <summary>The margin, in logits, from which an image counts as wrong.</summary>
    public double Confidence { get; init; } = 1;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        using var scope = NewDisposeScope();
        long[][] pieces = [.. Rows.All(batch.Count).Chunk(RowsAtOnce)];
        Tensor[] results =
        [
            .. epsilons.Select(epsilon =>
                cat([.. pieces.Select(rows => Descend(Classifier, batch.Select(rows), epsilon))])
            ),
        ];
        return scope.MoveAllToOuter(results);
    }

    private Tensor Descend(IClassifier model, Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        var ball = new Ball(Norm, batch.Images, epsilon);
        var best = new BestSoFar(batch.Images);
        Tensor point = batch.Images.clone();
        for (int step = 0; step <= Steps; step++)
        {
            using var inner = NewDisposeScope();
            SampleRandom random = batch.Random.Fork(step);
            var (margins, errors, gradient) = Look(model, batch, point, random);
            best.Take(point, margins, errors);
            point.copy_(ball.Project(ball.Steepest(point, gradient, random, 0).mul(2.5 * epsilon / Steps).add_(point)));
        }

        return scope.MoveToOuter(best.Images);
    }

    // By how much each image is wrong beyond the confidence, its error, and the gradient of what its step is to raise.
    private (Tensor Margins, Tensor Errors, Tensor Gradient) Look(
        IClassifier model,
        Batch batch,
        Tensor point,
        SampleRandom random
    )
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        Tensor input = point.detach().requires_grad_();
        Purified purified = Purifier.Purify(input, random);
        bool exact = Purifier.Path == GradientPath.Exact;
        Tensor errors = exact ? purified.Errors : input.sub(purified.Images.detach()).pow(2.0).mean([1, 2, 3]);
        Tensor shown = exact ? purified.Images : input.add(purified.Images.sub(input).detach());
        Tensor margins = AttackLoss.Margin(batch.Goal)(model.Logits(batch.With(shown))).sub(Confidence);
        Tensor gradient = Autograd.Grad(where(margins.detach().gt(0.0), errors.neg(), margins).sum(), input);
        return scope.MoveToOuter(margins.detach(), errors.detach(), gradient);
    }
}
