using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// ILCM, the iterative least-likely class method (Kurakin, Goodfellow, Bengio, 2016, 1607.02533):
/// <see cref="BasicIterative"/> steps towards the class that the model finds least likely for the clean image. Linf,
/// with the step and number of steps of that attack. The class stays fixed; any wrong class counts as success.
/// Deviation: a targeted run goes to the wanted class instead, where it is the basic iterative method.
/// </summary>
public sealed record IterativeLeastLikely : IBudgetAttack<IClassifier>
{
    /// <inheritdoc/>
    public string Name => "ilcm";

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
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    /// <remarks>All budgets share the query for the least likely class.</remarks>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        using var scope = NewDisposeScope();
        Goal goal = batch.Goal.IsTargeted
            ? batch.Goal
            : Goal.Targeted(model.Logits(batch.With(batch.Images)).argmin(1));
        IBudgetAttack<IClassifier> descent = new BasicIterative { Step = Step, Steps = Steps };
        return scope.MoveAllToOuter(descent.PerturbWithin(model, batch.WithGoal(goal), epsilons).ToArray());
    }
}
