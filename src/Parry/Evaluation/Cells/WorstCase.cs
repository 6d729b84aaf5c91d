using Parry.Attacks;

namespace Parry.Evaluation.Cells;

/// <summary>
/// The worst case over attacks, image by image: an image is robust within a budget only if no attack, of whatever norm
/// and budget, found a perturbation within it that fools the classifier. So attacks at smaller budgets, attacks that
/// search for the smallest change and known breaks all count.
/// </summary>
internal static class WorstCase
{
    /// <summary>The attack's name of these rows.</summary>
    public const string Name = "worst case";

    /// <summary>
    /// One row for each budget and each attacker with some knowledge who attacked within it, in the order of budgets,
    /// where more than one attack of such attackers counts on some classifier; its cost is that of all of them.
    /// </summary>
    /// <param name="measured">The outcome of every attack by itself.</param>
    /// <param name="plan">The evaluation.</param>
    public static IEnumerable<EvaluationRow> Rows(IReadOnlyList<Outcome> measured, EvaluationPlan plan)
    {
        var subjects = measured.Select(outcome => (outcome.Defense, outcome.Threat)).Distinct().ToList();
        var threats = subjects.GroupBy(subject => subject.Threat, subject => subject.Defense).ToList();
        foreach (var norm in measured.Where(outcome => outcome.Epsilon is not null).GroupBy(outcome => outcome.Norm))
        {
            foreach (double epsilon in norm.Select(outcome => outcome.Epsilon!.Value).Distinct().Order())
            {
                foreach (EvaluationRow row in threats.SelectMany(threat => RowsOf(threat, norm.Key, epsilon)))
                    yield return row;
            }
        }

        IEnumerable<EvaluationRow> RowsOf(IGrouping<Threat, string> threat, Norm norm, double epsilon)
        {
            Outcome[][] cells =
            [
                .. threat
                    .Select(defense => Counting(measured, norm, epsilon, defense, threat.Key))
                    .Where(attacks => attacks.Length > 0),
            ];
            return cells.Any(attacks => attacks.Select(attack => attack.Attack).Distinct().Skip(1).Any())
                ? cells.Select(attacks => Row(attacks, norm, epsilon, threat.Key, plan))
                : [];
        }
    }

    // The attacks that were run at the budget, or fool the classifier with some image within it, by attackers who know
    // no more; none where none was run at the budget.
    private static Outcome[] Counting(
        IReadOnlyList<Outcome> measured,
        Norm norm,
        double epsilon,
        string defense,
        Threat threat
    )
    {
        Outcome[] attacks =
        [
            .. measured
                .Where(outcome => outcome.Defense == defense && outcome.Threat <= threat)
                .Where(outcome => IsAt(outcome) || outcome.FooledWithin(norm, epsilon).Contains(true)),
        ];

        // One run of an attack without a budget has an outcome for each budget; its cost counts once.
        return attacks.Any(outcome => IsAt(outcome) && outcome.Threat == threat)
            ? [.. attacks.DistinctBy(outcome => outcome.Sizes)]
            : [];

        bool IsAt(Outcome outcome) => (outcome.Norm, outcome.Epsilon) == (norm, epsilon);
    }

    private static EvaluationRow Row(Outcome[] attacks, Norm norm, double epsilon, Threat threat, EvaluationPlan plan)
    {
        bool[][] fooled = [.. attacks.Select(attack => attack.FooledWithin(norm, epsilon))];
        int count = attacks[0].CleanCorrect.Length;
        bool[] correct = [.. Enumerable.Range(0, count).Select(i => fooled.All(attack => !attack[i]))];
        float[] distances = [.. Enumerable.Range(0, count).Select(Smallest)];
        Outcome worst = attacks[0] with
        {
            Attack = Name,
            Norm = norm,
            Epsilon = epsilon,
            Threat = threat,
            IsKnownBreak = false,
            AttackedCorrect = correct,
            Distances = distances,
            SurviveRounding = null,
            Refused = null,
        };
        return worst.ToRow(plan) with
        {
            Gradients = attacks.Sum(attack => attack.Gradients.Average()),
            Queries = attacks.Sum(attack => attack.Queries.Average()),
            Seconds = attacks.Sum(attack => attack.Seconds),
        };

        // The smallest change that fools the model; 0 where none does, which no row counts.
        float Smallest(int i) =>
            attacks.Where((_, k) => fooled[k][i]).Select(attack => attack.Sizes[norm][i]).DefaultIfEmpty().Min();
    }
}
