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
    /// of the four best defenses the strongest attack that knows it, beside the same attack without that knowledge. Of
    /// several models or data sets the first is shown, and named.
    /// </summary>
    public static IReadOnlyList<ReportHeadline> From(EvaluationReport report)
    {
        IReadOnlyList<ReportGroup> groups = ReportGroup.From(report.Rows);
        bool several = groups.Select(group => (group.Model, group.Data)).Distinct().Skip(1).Any();
        groups = [.. groups.Where(group => (group.Model, group.Data) == (groups[0].Model, groups[0].Data))];
        var headlines = new List<ReportHeadline>();

        if (groups.FirstOrDefault(group => group.IsClean) is { Undefended: { } bare } clean)
        {
            headlines.Add(
                new(
                    ReportText.ShortPercent(bare.CleanAccuracy),
                    "of clean images are classified correctly",
                    Where(clean, several, $"no attack: {bare.CleanCorrect} of {bare.Count}")
                )
            );
        }

        // An attack without a budget always succeeds in the end; attacks with a budget say more.
        ReportGroup[] attacks = [.. groups.Where(group => !group.IsClean)];
        if (attacks.Any(group => group.Epsilon is not null))
            attacks = [.. attacks.Where(group => group.Epsilon is not null)];

        if (
            attacks.Where(group => group.Undefended is not null).MinBy(group => group.Undefended!.RobustAccuracy) is
            { } strongest
        )
        {
            EvaluationRow row = strongest.Undefended!;
            headlines.Add(
                new(
                    $"{row.RobustCorrect} of {row.Count}",
                    $"images stay correct under {ReportText.Name(row.Attack)} without a defense",
                    Where(
                        strongest,
                        several,
                        $"{ReportText.Attack(row.Attack, row.Norm, row.Epsilon)}: "
                            + $"{ReportText.ShortPercent(row.RobustAccuracy)}"
                    )
                )
            );
        }

        IEnumerable<ReportGroup> worst = attacks
            .Where(group => group.Adaptive is not null)
            .GroupBy(group => group.Defense)
            .Select(defense => defense.MinBy(Holds)!)
            .OrderByDescending(Holds)
            .Take(MostDefenses);
        headlines.AddRange(worst.Select(group => Defended(group, several)));
        return headlines;
    }

    // Whoever knows the defense may also use the images made without that knowledge, so the lower number is the one
    // that holds.
    private static double Holds(ReportGroup group) =>
        Math.Min(group.Adaptive!.RobustAccuracy, group.Static?.RobustAccuracy ?? 1);

    private static ReportHeadline Defended(ReportGroup group, bool several)
    {
        EvaluationRow aware = group.Adaptive!;
        string name = ReportText.Name(group.Defense);
        string attack = ReportText.Attack(group.Attack, group.Norm, group.Epsilon);
        string knows = ReportText.ShortPercent(aware.RobustAccuracy);
        if (group.Static is not { } unaware)
            return new(
                knows,
                $"with {name}, against an attacker who knows it",
                Where(group, several, $"{attack}: {aware.RobustCorrect} of {aware.Count}")
            );

        string looks = ReportText.ShortPercent(unaware.RobustAccuracy);
        string detail = Where(
            group,
            several,
            $"{attack}: {unaware.RobustCorrect} and {aware.RobustCorrect} of {aware.Count}"
        );
        return unaware.RobustCorrect >= aware.RobustCorrect
            ? new(
                $"{looks} → {knows}",
                $"with {name}: {looks} against an attacker who does not know it, {knows} against one who does",
                detail
            )
            : new(
                looks,
                $"with {name}; the attack that knows it was weaker ({knows} left), so the lower number counts",
                detail
            );
    }

    private static string Where(ReportGroup group, bool several, string text) =>
        several ? $"{text}; {group.Model} on {group.Data}" : text;
}
