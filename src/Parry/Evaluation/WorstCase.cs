namespace Parry.Evaluation;

/// <summary>
/// The worst case over attacks, image by image: an image is robust only if every attack of the same norm and budget
/// failed on it.
/// </summary>
internal static class WorstCase
{
    /// <summary>The attack's name of these rows.</summary>
    public const string Name = "worst case";

    public static void Add(IReadOnlyList<Outcome> outcomes, List<EvaluationRow> rows, EvaluationPlan plan)
    {
        var groups = outcomes
            .Where(o => o.Epsilon is not null)
            .GroupBy(o => (o.Norm, o.Epsilon, o.Defense, o.Threat))
            .Where(group => group.Count() > 1);
        foreach (var group in groups.ToArray())
        {
            Outcome first = group.First();
            bool[] right = [.. first.CleanRight.Select((_, i) => group.All(outcome => outcome.AttackedRight[i]))];
            float[] distances =
            [
                .. right.Select(
                    (_, i) => group.Where(o => !o.AttackedRight[i]).Select(o => o.Distances[i]).DefaultIfEmpty().Min()
                ),
            ];
            EvaluationRow counted = (
                first with
                {
                    Attack = Name,
                    AttackedRight = right,
                    Distances = distances,
                    SurviveRounding = null,
                    Refused = null,
                }
            ).ToRow(plan);
            rows.Add(
                counted with
                {
                    Gradients = group.Sum(o => o.Result.Gradients.Average()),
                    Queries = group.Sum(o => o.Result.Queries.Average()),
                    Seconds = group.Sum(o => o.Result.Seconds),
                }
            );
        }
    }
}
