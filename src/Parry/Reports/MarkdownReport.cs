using System.Globalization;
using System.Text;
using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>
/// The report as Markdown, for a pull request or a wiki: headlines, tables with counts, and how to
/// reproduce them.
/// </summary>
public static class MarkdownReport
{
    /// <summary>Writes the report to <paramref name="path"/>, whole or not at all.</summary>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public static void Write(EvaluationReport report, string path) => AtomicFile.WriteText(path, Render(report));

    /// <summary>Gives the page as text.</summary>
    public static string Render(EvaluationReport report)
    {
        var text = new StringBuilder();
        IReadOnlyList<ReportGroup> groups = ReportGroup.From(report);

        Line(text, $"# {Escape(report.Title)}\n");
        foreach (ReportHeadline headline in ReportHeadline.From(report))
            Line(text, $"- **{headline.Value}** {Escape(headline.Text)} ({Escape(headline.Detail)})");

        string[] warnings = [.. ReportNotes.From(report)];
        if (warnings.Length > 0)
            Line(text, "\n## Read this first\n");
        foreach (string note in warnings)
            Line(text, $"- {Escape(note)}");

        foreach (var subject in groups.GroupBy(group => (group.Model, group.Data)))
        {
            Line(text, $"\n## {Escape(subject.Key.Model)} on {Escape(subject.Key.Data)}: accuracy\n");
            Table(text, [.. subject]);
        }

        Times(text, TimedDefense.From(report));
        Rocs(text, report.Rocs);

        Line(text, "\n## How to read this\n");
        foreach ((string term, string meaning) in ReportGlossary.Results)
            Line(text, $"- **{term}**: {meaning}");

        Line(text, "\n## How to reproduce it\n");
        Line(text, $"```sh\n{report.Command.Replace("```", "'''", StringComparison.Ordinal)}\n```\n");
        Line(
            text,
            $"Made {report.Created.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC.\n"
        );
        Line(text, "| what | value |\n| --- | --- |");
        foreach ((string key, string value) in report.Settings.Concat(report.Machine))
            Line(text, $"| {Escape(key)} | {Escape(value)} |");
        return text.ToString();
    }

    private static void Table(StringBuilder text, ReportGroup[] groups)
    {
        if (!groups.Any(group => group.IsDefended))
        {
            Line(text, "| attack | budget | no defense |\n| --- | --- | ---: |");
            foreach (ReportGroup group in groups)
                Line(text, $"| {Attack(group)} | {Cell(group.Undefended)} |");
            return;
        }

        Line(
            text,
            "| attack | budget | defense | no defense | attacker does not know the defense (black or grey box) | "
                + "attacker knows it (white box) |"
        );
        Line(text, "| --- | --- | --- | ---: | ---: | ---: |");
        foreach (ReportGroup group in groups)
        {
            string adaptive =
                group.LacksAdaptive ? "**NOT MEASURED**"
                : group.IsBreakNotRun ? "**NOT RUN**"
                : Cell(group.Adaptive);
            Line(
                text,
                $"| {Attack(group)} | {Escape(ReportText.Name(group.Defense))} | {Cell(group.Undefended)} | "
                    + $"{Cell(group.Static)} | {adaptive} |"
            );
        }
    }

    private static void Times(StringBuilder text, IReadOnlyList<TimedDefense> defenses)
    {
        if (defenses.Count == 0)
            return;

        Line(text, $"\n## Accuracy against time\n\n{ReportGlossary.Time}\n");
        Line(
            text,
            "| defense | ms per image | clean | attacker unaware, worst | attacker aware, worst |\n| --- | ---: | "
                + "---: | ---: | ---: |"
        );
        foreach (TimedDefense defense in defenses)
            Line(
                text,
                $"| {Escape(defense.Name)} | {ReportText.Milliseconds(defense.Milliseconds)} | "
                    + $"{ReportText.Percent(defense.Clean)} | {Worst(defense.Static)} | "
                    + $"{(defense.IsUpperBound ? "at most " : "")}{Worst(defense.Adaptive)} |"
            );

        static string Worst(EvaluationRow? row) =>
            row is null
                ? "–"
                : $"{ReportText.Percent(row.RobustAccuracy)} "
                    + $"({Escape(ReportText.Attack(row.Attack, row.Norm, row.Epsilon))})";
    }

    private static void Rocs(StringBuilder text, IReadOnlyList<RocCurve> rocs)
    {
        if (rocs.Count == 0)
            return;

        var (tables, others) = AucTable.From(rocs);
        Line(text, "\n## Detecting attacked images: areas under the ROC curves");
        foreach (AucTable table in tables)
        {
            IEnumerable<string> budgets = table.Budgets.Select(budget => Escape(ReportText.Budget(table.Norm, budget)));
            string attack = Escape(ReportText.Name(table.Attack));
            Line(text, $"\n| {attack} | attacker | {string.Join(" | ", budgets)} |");
            Line(text, $"| --- | --- |{string.Concat(table.Budgets.Select(_ => " ---: |"))}");
            foreach (AucTable.Row row in table.Rows)
                Line(
                    text,
                    $"| {Escape(ReportText.Name(row.Defense))} | {ReportText.Knowledge(row.Threat)} | "
                        + $"{string.Join(" | ", row.Areas.Select(ReportText.Area))} |"
                );
        }

        if (others.Count > 0)
            Line(text, "\n| detector | attack | attacker | AUC |\n| --- | --- | --- | ---: |");
        foreach (RocCurve roc in others)
            Line(
                text,
                $"| {Escape(ReportText.Name(roc.Defense))} | "
                    + $"{Escape(ReportText.Attack(roc.Attack, roc.Norm, roc.Epsilon))} | "
                    + $"{ReportText.Knowledge(roc.Threat)} | {ReportText.Area(roc.Auc)} |"
            );
    }

    private static string Attack(ReportGroup group) =>
        group.IsClean ? "no attack |" : $"{Escape(ReportText.Name(group.Attack))} | {Escape(group.Budget)}";

    private static string Cell(EvaluationRow? row) =>
        row is null
            ? ReportText.NotMeasured
            : $"{ReportText.Percent(row.RobustAccuracy)} ({row.RobustCorrect}/{row.Count})";

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');

    // Names come from outside: nothing in them may end a cell, start a tag or begin markup.
    private static string Escape(string value)
    {
        var text = new StringBuilder();
        foreach (char c in PlainText.Escape(value.ReplaceLineEndings(" ")))
            text.Append(
                c switch
                {
                    '<' => "&lt;",
                    '&' => "&amp;",
                    '|' or '`' or '*' or '_' or '[' or ']' or '\\' => $"\\{c}",
                    _ => c.ToString(),
                }
            );
        return text.ToString();
    }
}
