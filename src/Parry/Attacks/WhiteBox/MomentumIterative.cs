using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
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
    private const double Smallest = 1e-12;

    /// <inheritdoc/>
    public string Name => "mi-fgsm";

    /// <inheritdoc/>
    public GradientSteps GradientSteps => GradientSteps.Many;

    /// <inheritdoc/>
    public Norm Norm => Norm.Linf;

    /// <inheritdoc/>
    [Option("eps", "the largest change of a value")]
    public double Epsilon { get; init; } = 0.3;

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 10;

    /// <summary>The size of a step; null for ε/steps.</summary>
    [Option("step", "size of a step; auto: eps/steps")]
    public double? Step { get; init; }

    /// <summary>μ: what stays of the momentum from step to step.</summary>
    [Option("decay", "what stays of the momentum from step to step")]
    public double Decay { get; init; } = 1;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon)
    {
        var ball = new Ball(Norm, batch.Images, epsilon);
        double alpha = Step ?? (epsilon / Steps);
        Tensor point = batch.Images.clone();
        Tensor g = zeros_like(point);
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            Tensor gradient = model.Gradient(batch.With(point), AttackLoss.CrossEntropy(batch.Goal)).Gradient;
            Tensor length = Norm.L1.Of(gradient, keepdim: true).clamp_min(Smallest);
            g.copy_((Decay * g) + (gradient / length));
            point.copy_(ball.Project(point + (alpha * g.sign())));
        }

        return point;
    }
}
