using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>
/// What a reader must know before the numbers: the report's own notes, and every number that stands without its honest
/// twin.
/// </summary>
public static class ReportNotes
{
    /// <summary>
    /// Gives the notes, those about missing adaptive measurements first; empty when there is nothing to warn of.
    /// </summary>
    public static IReadOnlyList<string> From(EvaluationReport report)
    {
        var notes = new List<string>();
        foreach (
            var defense in ReportGroup
                .From(report.Rows)
                .Where(group => group.LacksAdaptive)
                .GroupBy(group => group.Defense)
        )
        {
            string attacks = string.Join(", ", defense.Select(group => ReportText.Name(group.Attack)).Distinct());
            notes.Add(
                $"{ReportText.Name(defense.Key)} was not measured against an attacker who knows it ({attacks}). "
                    + $"What it keeps against one who does not is no evidence of protection."
            );
        }

        foreach (
            RocCurve roc in report.Rocs.Where(roc =>
                roc.Threat.IsUnaware() && !report.Rocs.Any(other => IsTwin(roc, other))
            )
        )
        {
            string attack = ReportText.Attack(roc.Attack, roc.Norm, roc.Epsilon);
            notes.Add(
                $"{ReportText.Name(roc.Defense)} as a detector of {attack} was not measured against an attacker who "
                    + $"knows it."
            );
        }

        foreach (
            EvaluationRow clean in report.Rows.Where(row => row is { Attack: EvaluationRow.Nothing, Refused: not null })
        )
            notes.Add(
                $"{ReportText.Name(clean.Defense)} refuses {clean.Refused} of {clean.Count} clean images, which "
                    + $"count as wrong; attacked images that it refuses count as right."
            );
        notes.AddRange(report.Notes);
        EvaluationRow[] rounded = [.. report.Rows.Where(row => row is { SurviveRounding: not null, Succeeded: > 0 })];
        string[] lost =
        [
            .. rounded
                .Where(row => row.SurviveRounding < row.Succeeded)
                .Select(row =>
                    $"{row.SurviveRounding} of {row.Succeeded} of "
                    + $"{ReportText.Attack(row.Attack, row.Norm, row.Epsilon)}"
                ),
        ];
        if (lost.Length > 0)
            notes.Add(
                $"Adversarial images for the bare classifier that stay adversarial with 8 bits per value, as in a "
                    + $"PNG: {string.Join(", ", lost)}{(lost.Length < rounded.Length ? "; all of the other attacks" : "")}."
            );
        else if (rounded.Length > 0)
            notes.Add(
                $"All {rounded.Sum(row => row.Succeeded)} adversarial images for the bare classifier stay "
                    + $"adversarial with 8 bits per value, as in a PNG."
            );
        return notes;
    }

    private static bool IsTwin(RocCurve roc, RocCurve other) =>
        other.Threat.IsAware()
        && (other.Defense, other.Attack, other.Norm, other.Epsilon) == (roc.Defense, roc.Attack, roc.Norm, roc.Epsilon);
}
