using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// BIM, the basic iterative method (Kurakin, Goodfellow, Bengio, 2016, 1607.02533): small steps along the sign of the
/// gradient of the cross entropy, each followed by clipping to the budget and the box. Linf. Step and number of steps
/// are the paper's: α = 1/255 and min(ε + 4, 1.25 ε) steps for ε in bytes, which crosses the whole budget at any ε. It
/// returns the last iterate.
/// </summary>
public sealed record BasicIterative : IBudgetAttack<IClassifier>
{
    /// <inheritdoc/>
    public string Name => "bim";

    /// <inheritdoc/>
    public GradientSteps GradientSteps => GradientSteps.Many;

    /// <inheritdoc/>
    public Norm Norm => Norm.Linf;

    /// <inheritdoc/>
    [Option("eps", "the largest change of a value")]
    public double Epsilon { get; init; } = 0.3;

    /// <summary>The size of a step; null for 1/255, or ε/steps when the number of steps is given.</summary>
    [Option("step", "size of a step; auto: 1/255, or eps/steps when steps are given")]
    public double? Step { get; init; }

    /// <summary>The number of steps; null for the paper's, min(ε/α + 4, 1.25 ε/α) rounded up.</summary>
    [Option("steps", "number of steps; auto: min(eps/step + 4, 1.25 eps/step)", Min = 1)]
    public int? Steps { get; init; }

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon)
    {
        Tensor images = batch.Images;
        Goal goal = batch.Goal;
        using var scope = NewDisposeScope();
        var ball = new Ball(Norm.Linf, images, epsilon);
        var loss = AttackLoss.CrossEntropy(goal);
        double step = Step ?? (Steps is { } given ? epsilon / given : 1 / 255.0);
        int steps =
            Steps ?? (Epsilon == 0 ? 0 : (int)Math.Ceiling(Math.Min((epsilon / step) + 4, 1.25 * epsilon / step)));
        Tensor point = images.clone();
        for (int i = 0; i < steps; i++)
        {
            using var inner = NewDisposeScope();
            Tensor gradient = model.Gradient(batch.With(point), loss).Gradient;
            point.copy_(ball.Project(point.add(gradient.sign().mul(step))));
        }

        return scope.MoveToOuter(point);
    }
}
