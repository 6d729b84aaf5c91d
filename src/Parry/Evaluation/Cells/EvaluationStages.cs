using Parry.Attacks;
using Parry.Models;

namespace Parry.Evaluation.Cells;

/// <summary>Reports the stages of an evaluation as they begin, and stops between them.</summary>
/// <param name="plan">Says how many stages there are.</param>
/// <param name="progress">Told of each stage; null for nobody.</param>
/// <param name="cancellation">Stops the evaluation.</param>
/// <param name="pause">Stops it before the next range of images.</param>
internal sealed class EvaluationStages(
    EvaluationPlan plan,
    IProgress<EvaluationProgress>? progress,
    CancellationToken cancellation,
    CancellationToken pause
)
{
    private readonly int _count = Count(plan);
    private int _begun;

    public CancellationToken Cancellation => cancellation;

    /// <summary>Begins a range of images.</summary>
    /// <exception cref="OperationCanceledException">The evaluation is to pause.</exception>
    public void BeginRange() => pause.ThrowIfCancellationRequested();

    /// <summary>Begins a stage.</summary>
    /// <exception cref="OperationCanceledException">The evaluation was stopped.</exception>
    public void Begin(string stage)
    {
        cancellation.ThrowIfCancellationRequested();
        progress?.Report(new EvaluationProgress(stage, Math.Min(1, (double)_begun / _count)));
        _begun++;
    }

    private static int Count(EvaluationPlan plan)
    {
        int ranges = ImageRange.Of(plan.Images).Count;
        int defenses = plan.Defenses.Count;
        int aware = plan.AwareAttackers ? plan.Defenses.Sum(defense => plan.Revisited && defense.IsRandom ? 2 : 1) : 0;
        int learning = plan.Attacks.Count(attack => attack.Attack is ITrainedAttack<IClassifier>) * (1 + aware);
        int attacks = plan.Attacks.Count * (1 + aware + defenses);
        int breaks = plan.KnownBreaks && plan.AwareAttackers ? plan.Defenses.Sum(defense => defense.Breaks.Count) : 0;
        int cleanAndChecks = (2 * defenses) + 2;
        return learning + (ranges * (cleanAndChecks + attacks + breaks));
    }
}
