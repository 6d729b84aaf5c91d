using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>One of the few large numbers that open a report, in words for a reader who reads nothing else.</summary>
/// <param name="Value">The number, for example "92.5 %" or "61 % → 12 %".</param>
/// <param name="Text">What it says.</param>
/// <param name="Detail">What it was measured with, and its denominator.</param>
public sealed record ReportHeadline(string Value, string Text, string Detail)
{
    private const int MostDefenses = 4;

    /// <summary>
    /// Gives up to six headlines: accuracy on clean images, the strongest attack on the bare classifier, and for each
    /// of the four best defenses the strongest attack of all that were run, beside the same attack by somebody who does
    /// not know the defense. Of several models or data sets the first is shown, and named.
    /// </summary>
    public static IReadOnlyList<ReportHeadline> From(EvaluationReport report)
    {
        if (report.Rows.Count == 0)
            return [];
        var (model, data) = (report.Rows[0].Model, report.Rows[0].Data);
        bool several = report.Rows.Any(row => (row.Model, row.Data) != (model, data));
        EvaluationRow[] rows = [.. report.Rows.Where(row => (row.Model, row.Data) == (model, data))];
        string where = several ? $"; {model} on {data}" : "";

        var headlines = new List<ReportHeadline>();
        if (rows.FirstOrDefault(row => row.Defense == EvaluationRow.Nothing) is { } clean)
            headlines.Add(OfClean(clean, where));
        if (StrongestAttack.On(rows, EvaluationRow.Nothing, threat => threat == Threat.None) is { } strongest)
            headlines.Add(OfBare(strongest, where));
        headlines.AddRange(
            rows.Select(row => row.Defense)
                .Where(defense => defense != EvaluationRow.Nothing)
                .Distinct()
                .Select(defense => StrongestAttack.OfAware(rows, defense))
                .OfType<EvaluationRow>()
                .OrderByDescending(row => row.RobustAccuracy)
                .Take(MostDefenses)
                .Select(row => OfDefense(row, rows, report, where))
        );
        return headlines;
    }

    private static ReportHeadline OfClean(EvaluationRow row, string where) =>
        new(
            ReportText.ShortPercent(row.CleanAccuracy),
            "of clean images are classified correctly",
            $"no attack: {row.CleanCorrect} of {row.Count}{where}"
        );

    private static ReportHeadline OfBare(EvaluationRow row, string where) =>
        new(
            $"{row.RobustCorrect} of {row.Count}",
            $"images stay correct under {ReportText.Name(row.Attack)} without a defense",
            $"{ReportText.Attack(row.Attack, row.Norm, row.Epsilon)}: "
                + $"{ReportText.ShortPercent(row.RobustAccuracy)}{where}"
        );

    // The strongest row of a defense beside what the same attack, or else any, leaves without knowing the defense.
    private static ReportHeadline OfDefense(
        EvaluationRow strongest,
        EvaluationRow[] rows,
        EvaluationReport report,
        string where
    )
    {
        string defense = strongest.Defense;
        EvaluationRow? unaware =
            StrongestAttack.On(rows.Where(row => IsSameAttack(row, strongest)), defense, Threats.IsUnaware)
            ?? StrongestAttack.On(rows, defense, Threats.IsUnaware);
        EvaluationRow aware = StrongestAttack.On(rows, defense, Threats.IsAware)!;

        bool isBound = report.KnownBreaksNotRun.TryGetValue(defense, out IReadOnlyList<string>? notRun);
        string atMost = isBound ? "at most " : "";
        string breaks = isBound ? $"; known breaks not run: {string.Join(", ", notRun!)}" : "";
        string name = ReportText.Name(defense);
        string left = atMost + ReportText.ShortPercent(strongest.RobustAccuracy);
        string attack = ReportText.Attack(strongest.Attack, strongest.Norm, strongest.Epsilon);
        string counts =
            unaware is null || !IsSameAttack(unaware, strongest) || unaware == strongest
                ? $"{strongest.RobustCorrect} of {strongest.Count}"
                : $"{unaware.RobustCorrect} and {strongest.RobustCorrect} of {strongest.Count}";
        string caveats = string.Concat(report.Caveats.GetValueOrDefault(defense, []).Select(caveat => $"; {caveat}"));
        string detail = $"{attack}: {counts}{breaks}{caveats}{where}";

        if (unaware is null)
            return new(left, $"with {name}, against an attacker who knows it", detail);
        string looks = ReportText.ShortPercent(unaware.RobustAccuracy);
        if (strongest.Threat.IsUnaware() && strongest.RobustCorrect < aware.RobustCorrect)
            return new(
                left,
                $"with {name}; the attack that knows it was weaker "
                    + $"({ReportText.ShortPercent(aware.RobustAccuracy)} left), so the lower number counts",
                detail
            );
        return new(
            $"{looks} → {left}",
            $"with {name}: {looks} against an attacker who does not know it, {left} against one who does",
            detail
        );
    }

    private static bool IsSameAttack(EvaluationRow row, EvaluationRow other) =>
        (row.Attack, row.Norm, row.Epsilon) == (other.Attack, other.Norm, other.Epsilon);
}
