using Parry.Attacks;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>One cell of an evaluation: one attack on one classifier, by an attacker with some knowledge.</summary>
/// <param name="Attack">The attack.</param>
/// <param name="Goal">Its goal for each image.</param>
/// <param name="Subject">The classifier.</param>
/// <param name="Threat">What the attacker knows.</param>
internal sealed record Cell(PlannedAttack Attack, Goal Goal, Subject Subject, Threat Threat);

/// <summary>The images an attack made at one budget, and the classifier's verdict on them.</summary>
/// <param name="Cell">The attack and the classifier.</param>
/// <param name="Result">The attack's images and its cost.</param>
/// <param name="Verdict">The classifier's verdict on the images.</param>
internal sealed record CellResult(Cell Cell, AttackResult Result, Verdict Verdict)
{
    /// <summary>
    /// How many successes are still successes with 8 bits per value; null where that was not measured.
    /// </summary>
    public int? SurviveRounding { get; init; }

    /// <summary>Whether this is the largest budget that the attack was run at, or it has none.</summary>
    public bool HasLargestBudget =>
        Result.Epsilon is not { } epsilon || Cell.Attack.Epsilons is not { } all || epsilon == all.Max();

    /// <summary>
    /// The outcome at the attack's budget. A minimizing attack counts within each budget that the plan asks for.
    /// </summary>
    public IEnumerable<Outcome> Outcomes(TestImages test)
    {
        bool[] attackable = Attackable(test.Truth);
        bool[] reached = Reached();
        bool[] fooled = [.. reached.Select((there, i) => there && !LeftAlone(i))];
        Dictionary<Norm, float[]> sizes = Enum.GetValues<Norm>().ToDictionary(norm => norm, Size);
        float[] distances = sizes[Result.Norm];
        IEnumerable<double?> budgets =
            Result.Epsilon is null && Cell.Attack.Epsilons is { } asked
                ? asked.Select(epsilon => (double?)epsilon)
                : [Result.Epsilon];
        return budgets.Select(epsilon =>
        {
            bool[] correct = [.. Enumerable.Range(0, test.Count).Select(i => StaysCorrect(i, epsilon))];
            return new Outcome
            {
                Attack = Cell.Attack.Name,
                Norm = Result.Norm,
                Epsilon = epsilon,
                Defense = Cell.Subject.Name,
                Threat = Cell.Threat,
                CleanCorrect = Cell.Subject.CleanCorrect,
                Attackable = attackable,
                AttackedCorrect = correct,
                Fooled = fooled,
                Sizes = sizes,
                IsKnownBreak = Cell.Attack.IsKnownBreak,
                Distances = distances,
                Queries = Result.Queries,
                Gradients = Result.Gradients,
                Seconds = Result.Seconds,
                SurviveRounding = SurviveRounding,
                Refused = Cell.Subject.CountRefused(Verdict),
                FollowsGradients = Cell.Attack.FollowsGradients(Cell.Threat),
                GradientSteps = Cell.Attack.GradientSteps,
            };
        });

        bool StaysCorrect(int i, double? epsilon)
        {
            bool tooFar = Result.Epsilon is null && distances[i] > epsilon;
            return !reached[i] || LeftAlone(i) || tooFar;
        }

        bool LeftAlone(int i) => Cell.Subject.CleanCorrect[i] && !attackable[i];

        float[] Size(Norm norm)
        {
            using var scope = NewDisposeScope();
            return norm.Of(Result.Attempts - test.Pixels).ToArray<float>();
        }
    }

    /// <summary>Whether predictions reach a goal, [N].</summary>
    public static bool[] IsReached(Goal goal, long[] predictions)
    {
        using Tensor predicted = tensor(predictions);
        using Tensor reached = goal.IsReached(predicted);
        return reached.ToArray<bool>();
    }

    // Which images reach the attack's goal and are not refused.
    private bool[] Reached() =>
        [.. IsReached(Cell.Goal, Verdict.Predictions).Zip(Verdict.Refused, (reached, refused) => reached && !refused)];

    // The images worth attacking: classified correctly when clean and not of the target class.
    private bool[] Attackable(long[] truth)
    {
        bool[] correct = Cell.Subject.CleanCorrect;
        if (!Cell.Goal.IsTargeted)
            return correct;
        long[] targets = Cell.Goal.Labels.ToArray<long>();
        return [.. correct.Select((right, i) => right && targets[i] != truth[i])];
    }
}
