using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Breaks;

/// <summary>
/// Fools the classifier behind a purifier and keeps the purifier's reconstruction error small, by selective projected
/// gradient descent (Bryniarski, Hingun, Pachuca, Wang, Carlini, 2021, 2106.15023): while an image is classified
/// correctly, a step raises the margin of the best wrong class; otherwise it lowers the error. Among the misclassified
/// points the one with the smallest error is kept, or else the point with the largest margin.
/// </summary>
/// <remarks>
/// Both gradients come from one purification. Where a purifier's own operators cannot be differentiated
/// (<see cref="GradientPath.Identity"/>), the margin's gradient passes as if it returned its input (BPDA), and the
/// error's is that of mean (x - P(x))² with P(x) held fixed, which is exact for a projection at its optimum, P(x) =
/// argmin over G(z) of |x - G(z)|² (envelope theorem). The attacker has the purifier and the classifier, and no meter
/// counts these passes. Deviation: an image counts as misclassified from a margin of 1, not from any margin, because
/// the defender's draws are not the attacker's.
/// </remarks>
/// <param name="Purifier">The attacker's copy of the purifier.</param>
/// <param name="Classifier">The classifier behind it.</param>
public sealed record ReconstructionEvasion(IPurifier Purifier, IClassifier Classifier) : IBudgetAttack<IClassifier>
{
    /// <summary>The attack as evaluations run it on a purifier.</summary>
    public static KnownBreak Known { get; } =
        new(
            "reconstruction-evasion",
            (defense, classifier) => new ReconstructionEvasion(defense.AttackersCopy, classifier)
        );

    private const int RowsAtOnce = 64;

    /// <inheritdoc/>
    public string Name => "reconstruction-evasion";

    /// <summary>The norm of the budget: Linf, L2 or L1.</summary>
    public Norm Norm { get; init; } = Norm.Linf;

    /// <inheritdoc/>
    public double Epsilon { get; init; } = 0.3;

    /// <summary>The number of steps; each costs one purification.</summary>
    public int Steps { get; init; } = 20;

    /// <summary>The margin, in logits, from which an image counts as misclassified.</summary>
    public double Confidence { get; init; } = 1;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        IEnumerable<long[]> pieces = Rows.All(batch.Count).Chunk(RowsAtOnce);
        return scope.MoveToOuter(cat([.. pieces.Select(rows => Descend(batch.Select(rows), epsilon))]));
    }

    private Tensor Descend(Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        var ball = new Ball(Norm, batch.Images, epsilon);
        double stepSize = 2.5 * epsilon / Steps;
        var best = new BestSoFar(batch.Images);
        Tensor point = batch.Images.clone();
        for (int step = 0; step <= Steps; step++)
        {
            using var inner = NewDisposeScope();
            SampleRandom random = batch.Random.Fork(step);
            var (margins, errors, gradient) = Differentiate(batch, point, random);
            best.Take(point, margins, errors);
            Tensor direction = ball.Steepest(point, gradient, random, 0);
            point.copy_(ball.Project(point + (stepSize * direction)));
        }

        return scope.MoveToOuter(best.Images);
    }

    // The margin of each image beyond the confidence, its error, and the gradient of what its step raises.
    private (Tensor Margins, Tensor Errors, Tensor Gradient) Differentiate(
        Batch batch,
        Tensor point,
        SampleRandom random
    )
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        Tensor x = point.detach().requires_grad_();
        Purified purified = Purifier.Purify(x, random);
        Tensor shown = purified.Images;
        Tensor errors = purified.Errors;
        if (Purifier.Path == GradientPath.Identity)
        {
            Tensor constant = purified.Images.detach();
            shown = x + (constant - x.detach());
            errors = (x - constant).pow(2).MeanPerImage();
        }

        Tensor margins = AttackLoss.Margin(batch.Goal)(Classifier.Logits(batch.With(shown))) - Confidence;
        Tensor objective = where(margins.detach() > 0, -errors, margins);
        Tensor gradient = Autograd.Grad(objective.sum(), x);
        return scope.MoveToOuter(margins.detach(), errors.detach(), gradient);
    }
}
