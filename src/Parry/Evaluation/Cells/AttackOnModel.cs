using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Data;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>
/// An attack on one classifier, for any number of images. An attack that must be trained learns when it is first run,
/// and again for each classifier that it attacks.
/// </summary>
/// <param name="plan">The evaluation.</param>
/// <param name="attack">The attack.</param>
/// <param name="model">The classifier, bare or defended, as the attacker sees it.</param>
/// <param name="title">The classifier's name in sentences.</param>
/// <param name="isDefended">Whether it has a defense, which the attacker knows.</param>
/// <param name="kept">Where what the attack learns is kept, so that it is learned once.</param>
internal sealed class AttackOnModel(
    EvaluationPlan plan,
    PlannedAttack attack,
    IPredictor model,
    string title,
    bool isDefended,
    LearnedFile kept
) : IDisposable
{
    private ITrainedAttack<IClassifier>? _trained;

    /// <summary>What learning took; null before it, and where nothing is to be learned.</summary>
    public AttackTraining? Training { get; private set; }

    /// <summary>
    /// Whether it came trained, to attack the bare classifier. An attacker who knows a defense learns to attack that.
    /// </summary>
    public bool CameTrained => Learner is { IsTrained: true } && !isDefended;

    private ITrainedAttack<IClassifier>? Learner => attack.Attack as ITrainedAttack<IClassifier>;

    /// <summary>Runs the attack at all its budgets.</summary>
    /// <param name="images">The clean images.</param>
    /// <param name="goal">Its goal for each.</param>
    /// <param name="attacked">Which images to attack; null for those that do not reach the goal by themselves.</param>
    /// <param name="stages">Told what begins.</param>
    /// <returns>One result for each budget, or one in all; the caller owns them.</returns>
    public IReadOnlyList<AttackResult> Run(RangeImages images, Goal goal, bool[]? attacked, EvaluationStages stages)
    {
        Prepare(stages);
        stages.Begin($"{attack.Name} on {title}");
        using Tensor starts = plan.Images.Take(Math.Min(StartingPoint.MostImages, plan.Images.Count)).ImageTensor();
        var run = new AttackRun(images.Pixels, goal, plan.Seed)
        {
            FirstSample = images.First,
            Epsilons = attack.Epsilons,
            Attacked = goal.IsTargeted ? NotYetTarget(images, goal, attacked) : attacked,
            Limits = plan.Limits,
            Starts = starts,
            Mask = attack.Mask,
            Cancellation = stages.Cancellation,
        };
        return AttackDispatch.Run(_trained ?? attack.Attack, model, run);
    }

    /// <summary>Has the attack learn, or take over what it learned before, if it must.</summary>
    public void Prepare(EvaluationStages stages)
    {
        if (_trained is not null || Learner is not { } learner || CameTrained)
            return;
        if (kept.Read(learner, model) is { } before)
        {
            (_trained, Training) = before;
            return;
        }

        Train(learner, stages);
        kept.Write(_trained!, Training!);
    }

    public void Dispose() => _trained?.Dispose();

    private void Train(ITrainedAttack<IClassifier> learner, EvaluationStages stages)
    {
        stages.Begin($"{attack.Name} learns to attack {title}");
        ImageSet known =
            plan.TrainingImages
            ?? throw new UserErrorException(
                $"the attack {attack.Name} must be trained before it attacks: give the plan training images other "
                    + "than those it attacks"
            );
        using var scope = NewDisposeScope();
        var (images, labels) = known.First(learner.TrainingImages);
        Goal goal = attack.GoalFor(model, images, labels, plan.Seed);
        var run = new AttackRun(images, goal, plan.Seed)
        {
            Epsilons = learner is IBudgetAttack<IClassifier> within ? attack.Epsilons ?? [within.Epsilon] : [],
            Cancellation = stages.Cancellation,
        };
        (_trained, Training) = AttackDispatch.Train(learner, model, run);
    }

    private static bool[] NotYetTarget(RangeImages images, Goal goal, bool[]? attacked) =>
        [.. goal.Labels.ToArray<long>().Select((target, i) => target != images.Truth[i] && (attacked?[i] ?? true))];
}
