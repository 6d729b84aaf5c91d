using System.Globalization;
using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Data;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>What an attack is run on.</summary>
/// <param name="Model">The classifier, bare or defended, as the attacker sees it.</param>
/// <param name="Title">Its name in sentences.</param>
internal sealed record Victim(IPredictor Model, string Title)
{
    /// <summary>Which images to attack; null for those that do not reach the goal by themselves.</summary>
    public bool[]? Attacked { get; init; }

    /// <summary>Whether it has a defense, which the attacker knows.</summary>
    public bool IsDefended { get; init; }
}

/// <summary>
/// Runs the attacks of a plan. An attack that must be trained is trained again for each model that it attacks.
/// </summary>
/// <param name="plan">The evaluation.</param>
/// <param name="test">The clean images.</param>
/// <param name="stages">Told what begins.</param>
/// <param name="records">Takes the notes about training.</param>
internal sealed class PlanAttacks(
    EvaluationPlan plan,
    TestImages test,
    EvaluationStages stages,
    EvaluationRecords records
)
{
    /// <summary>Runs an attack at all its budgets.</summary>
    /// <returns>One result for each budget, or one in all; the caller owns them.</returns>
    public IReadOnlyList<AttackResult> Run(PlannedAttack attack, Goal goal, Victim victim)
    {
        using ITrainedAttack<IClassifier>? trained = Trained(attack, victim);
        stages.Begin($"{attack.Name} on {victim.Title}");
        var run = new AttackRun(test.Pixels, goal, plan.Seed)
        {
            Epsilons = attack.Epsilons,
            Attacked = goal.IsTargeted ? NotYetTarget(goal, victim) : victim.Attacked,
            Limits = plan.Limits,
            Starts = test.Pixels.slice(0, 0, Math.Min(StartingPoint.MostImages, test.Count), 1),
            Cancellation = stages.Cancellation,
        };
        IReadOnlyList<AttackResult> results = AttackDispatch.Run(trained ?? attack.Attack, victim.Model, run);
        foreach (AttackResult result in results)
        {
            int attacked = result.Attacked.Count(row => row);
            int succeeded = result.Succeeded.Count(row => row);
            if (StartingPoint.Missing(attack.Attack, attacked, succeeded) is { } missing)
                records.Note($"On {victim.Title}, {missing}.");
        }

        return results;
    }

    private bool[] NotYetTarget(Goal goal, Victim victim) =>
        [
            .. goal
                .Labels.ToArray<long>()
                .Select((target, i) => target != test.Truth[i] && (victim.Attacked?[i] ?? true)),
        ];

    // An attack that came trained learned to attack the bare classifier; an attacker who knows a defense learns to
    // attack that.
    private ITrainedAttack<IClassifier>? Trained(PlannedAttack attack, Victim victim)
    {
        if (attack.Attack is not ITrainedAttack<IClassifier> learner)
            return null;
        if (victim.IsDefended || !learner.IsTrained)
            return Train(attack, learner, victim);
        records.Note(
            $"{attack.Name} was trained beforehand and attacks {victim.Title} as it is; the cost of its "
                + "training is not counted."
        );
        return null;
    }

    private ITrainedAttack<IClassifier> Train(PlannedAttack attack, ITrainedAttack<IClassifier> learner, Victim victim)
    {
        stages.Begin($"{attack.Name} learns to attack {victim.Title}");
        ImageSet known =
            plan.TrainingImages
            ?? throw new UserErrorException(
                $"the attack {attack.Name} must be trained before it attacks: give the plan training images other "
                    + "than those it attacks"
            );
        using var scope = NewDisposeScope();
        var (images, labels) = known.First(learner.TrainingImages);
        Goal goal = attack.GoalFor(victim.Model, images, labels, plan.Seed);
        var run = new AttackRun(images, goal, plan.Seed)
        {
            Epsilons = learner is IBudgetAttack<IClassifier> within ? attack.Epsilons ?? [within.Epsilon] : [],
            Cancellation = stages.Cancellation,
        };
        var (trained, training) = AttackDispatch.Train(learner, victim.Model, run);
        if (training.Images > 0)
            records.Note(Cost(attack, victim, known, training));
        return trained;
    }

    private static string Cost(PlannedAttack attack, Victim victim, ImageSet known, AttackTraining training) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{attack.Name} learned to attack {victim.Title} from {training.Images:N0} images of {known.Name} on "
                + $"which it is not evaluated, with {training.Queries:N0} queries and {training.Gradients:N0} "
                + $"gradients in {training.Seconds:0.0} s. Its rows do not include this cost."
        );
}
