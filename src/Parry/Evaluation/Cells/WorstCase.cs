namespace Parry.Evaluation.Cells;

/// <summary>
/// The worst case over attacks, image by image: an image is robust only if every attack of the same norm and budget
/// failed on it.
/// </summary>
internal static class WorstCase
{
    /// <summary>The attack's name of these rows.</summary>
    public const string Name = "worst case";

    /// <summary>
    /// One row for each norm, budget, defense and threat that at least two attacks were run at; its cost is that of all
    /// of them.
    /// </summary>
    public static IEnumerable<EvaluationRow> Rows(IReadOnlyList<Outcome> outcomes, EvaluationPlan plan) =>
        outcomes
            .Where(outcome => outcome.Epsilon is not null)
            .GroupBy(outcome => (outcome.Norm, outcome.Epsilon, outcome.Defense, outcome.Threat))
            .Select(group => group.ToArray())
            .Where(attacks => attacks.Length > 1)
            .Select(attacks => Row(attacks, plan));

    private static EvaluationRow Row(Outcome[] attacks, EvaluationPlan plan)
    {
        int count = attacks[0].CleanCorrect.Length;
        bool[] correct = [.. Enumerable.Range(0, count).Select(i => attacks.All(attack => attack.AttackedCorrect[i]))];
        float[] distances = [.. Enumerable.Range(0, count).Select(i => Smallest(attacks, i))];
        Outcome worst = attacks[0] with
        {
            Attack = Name,
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
    }

    // The smallest change that fools the model; 0 where none does, which no row counts.
    private static float Smallest(Outcome[] attacks, int i) =>
        attacks
            .Where(attack => !attack.AttackedCorrect[i])
            .Select(attack => attack.Distances[i])
            .DefaultIfEmpty()
            .Min();
}
