using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>
/// What a reader must know before the numbers: the report's own notes, and every static number without an adaptive one.
/// </summary>
public static class ReportNotes
{
    /// <summary>
    /// Gives the notes, those about missing adaptive measurements first; empty when there is nothing to warn of.
    /// </summary>
    public static IReadOnlyList<string> From(EvaluationReport report) =>
        [
            .. MissingAdaptiveAttacks(report.Rows),
            .. MissingAdaptiveCurves(report.Rocs),
            .. Refusals(report.Rows),
            .. report.Caveats.SelectMany(defense =>
                defense.Value.Select(caveat => $"{ReportText.Name(defense.Key)}: {caveat}.")
            ),
            .. report.Notes,
            .. Rounded(report.Rows),
        ];

    private static IEnumerable<string> MissingAdaptiveAttacks(IReadOnlyList<EvaluationRow> rows)
    {
        foreach (
            var defense in ReportGroup.From(rows).Where(group => group.LacksAdaptive).GroupBy(group => group.Defense)
        )
        {
            string attacks = string.Join(", ", defense.Select(group => ReportText.Name(group.Attack)).Distinct());
            yield return $"{ReportText.Name(defense.Key)} was not measured against an attacker who knows it "
                + $"({attacks}). Its accuracy against one who does not know it is not evidence of protection.";
        }
    }

    private static IEnumerable<string> MissingAdaptiveCurves(IReadOnlyList<RocCurve> rocs) =>
        rocs.Where(roc => roc.Threat.IsUnaware() && !rocs.Any(other => IsAdaptiveOf(roc, other)))
            .Select(roc =>
                $"{ReportText.Name(roc.Defense)} as a detector of "
                + $"{ReportText.Attack(roc.Attack, roc.Norm, roc.Epsilon)} was not measured against an attacker who "
                + "knows it."
            );

    private static bool IsAdaptiveOf(RocCurve roc, RocCurve other) =>
        other.Threat.IsAware()
        && (other.Defense, other.Attack, other.Norm, other.Epsilon) == (roc.Defense, roc.Attack, roc.Norm, roc.Epsilon);

    private static IEnumerable<string> Refusals(IReadOnlyList<EvaluationRow> rows) =>
        rows.Where(row => row is { Attack: EvaluationRow.Nothing, Refused: not null })
            .Select(row =>
                $"{ReportText.Name(row.Defense)} refuses {row.Refused} of {row.Count} clean images, which count as "
                + "misclassified; attacked images that it refuses count as correct."
            );

    private static IEnumerable<string> Rounded(IReadOnlyList<EvaluationRow> rows)
    {
        EvaluationRow[] rounded = [.. rows.Where(row => row is { SurviveRounding: not null, Succeeded: > 0 })];
        string[] lost = [.. rounded.Where(row => row.SurviveRounding < row.Succeeded).Select(Survivors)];
        if (rounded.Length == 0)
            yield break;
        if (lost.Length == 0)
        {
            yield return $"All {rounded.Sum(row => row.Succeeded)} adversarial images for the bare classifier stay "
                + "adversarial with 8 bits per value, as in a PNG.";
            yield break;
        }

        string others = lost.Length < rounded.Length ? "; all of the other attacks" : "";
        yield return "Adversarial images for the bare classifier that stay adversarial with 8 bits per value, as in a "
            + $"PNG: {string.Join(", ", lost)}{others}.";
    }

    private static string Survivors(EvaluationRow row) =>
        $"{row.SurviveRounding} of {row.Succeeded} of {ReportText.Attack(row.Attack, row.Norm, row.Epsilon)}";
}
