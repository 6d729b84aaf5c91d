using Parry.Attacks.Catalog;
using Parry.Attacks.Steps;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// MI-FGSM, the momentum iterative method (Dong, Liao, Pang, Su, Zhu, Hu, Li, 2017, 1710.06081): gradients of the cross
/// entropy, each divided by its own image's L1 length, add up with decay μ, and every step goes along the sign of the
/// sum. The momentum carries it over poor local maxima, and its images transfer better to other models. Linf,
/// untargeted or targeted. The paper's μ = 1, 10 steps and α = ε/steps. It returns the last iterate.
/// </summary>
public sealed record MomentumIterative : IBudgetAttack<IClassifier>
{
    private static readonly long[] s_image = [1, 2, 3];

    /// <inheritdoc/>
    public string Name => "mi-fgsm";

    /// <inheritdoc/>
    public Norm Norm => Norm.Linf;

    /// <inheritdoc/>
    public double Epsilon { get; init; } = 0.3;

    /// <summary>The number of steps.</summary>
    public int Steps { get; init; } = 10;

    /// <summary>The size of a step; null for ε/steps.</summary>
    public double? Step { get; init; }

    /// <summary>μ: what stays of the momentum from step to step.</summary>
    public double Decay { get; init; } = 1;

    /// <summary>What the command line knows of it.</summary>
    public static AttackEntry Entry { get; } =
        new AttackEntry<MomentumIterative>(
            new(),
            "small FGSM steps along gradients that add up",
            "Dong et al., 2017, 1710.06081"
        )
            .Budget(
                "the largest change of a value",
                attack => attack.Epsilon,
                (attack, value) => attack with { Epsilon = value }
            )
            .Whole(
                "steps",
                1,
                "number of steps",
                attack => attack.Steps,
                (attack, value) => attack with { Steps = value }
            )
            .Number(
                "step",
                0,
                "size of a step; auto: eps/steps",
                attack => attack.Step,
                (attack, value) => attack with { Step = value }
            )
            .Number(
                "decay",
                0,
                "what stays of the momentum from step to step",
                attack => attack.Decay,
                (attack, value) => attack with { Decay = value }
            );

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        Goal goal = batch.Goal;
        using var scope = NewDisposeScope();
        var ball = new Ball(Norm.Linf, images, Epsilon);
        Func<Tensor, Tensor> loss = AttackLoss.CrossEntropy(goal);
        Tensor point = images.clone(),
            momentum = zeros_like(images);
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            Tensor gradient = model.Gradient(batch.With(point), loss).Gradient;
            momentum.mul_(Decay).addcdiv_(gradient, linalg.vector_norm(gradient, 1, s_image, true).clamp_min(1e-12));
            point.copy_(ball.Project(point.add(momentum.sign().mul_(Step ?? (Epsilon / Steps)))));
        }

        return scope.MoveToOuter(point);
    }

    /// <inheritdoc/>
    /// <remarks>The length of a step follows the budget, so each is run by itself.</remarks>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons) =>
        [.. epsilons.Select(epsilon => (this with { Epsilon = epsilon }).Perturb(model, batch))];

    /// <inheritdoc/>
    public override string ToString() => Entry.Describe(this);
}
