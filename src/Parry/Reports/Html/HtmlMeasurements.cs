using Parry.Evaluation;

namespace Parry.Reports.Html;

/// <summary>The table of every measurement with its costs.</summary>
internal static class HtmlMeasurements
{
    /// <summary>Adds the table, the adaptive measurements directly after their static ones.</summary>
    public static void Add(HtmlBuilder html, IReadOnlyList<EvaluationRow> rows)
    {
        bool hasSubjects = rows.Select(row => (row.Model, row.Data)).Distinct().Count() > 1;
        bool hasSeeds = rows.Select(row => row.Seed).Distinct().Count() > 1;
        html.Line($"<h2>Every measurement</h2>");
        html.Add($"""<p class="lead">Success is over the attacked images, and distance is their median; gradients """);
        html.Line($"and queries are means per image, seconds are totals.</p>");
        html.BeginTable("log");
        Head(html, hasSubjects, hasSeeds);
        var defenses = rows.GroupBy(row => (row.Model, row.Data))
            .SelectMany(subject => subject.GroupBy(row => (row.Attack, row.Norm, row.Epsilon, row.Seed)))
            .SelectMany(attack => attack.GroupBy(row => row.Defense));
        foreach (var defense in defenses)
        {
            foreach (EvaluationRow row in defense.OrderBy(row => row.Threat))
                Line(html, row, hasSubjects, hasSeeds);
            if (defense.Any(row => row.Threat.IsUnaware()) && !defense.Any(row => row.Threat.IsAware()))
                Missing(html, defense.First(), hasSubjects, hasSeeds);
        }

        html.EndTable();
    }

    private static void Head(HtmlBuilder html, bool hasSubjects, bool hasSeeds)
    {
        html.Add($"<tr>");
        if (hasSubjects)
            html.Column("Model, data");
        html.Column("Attack");
        html.Column("Defense, attacker");
        string[] numbers = ["Clean", "Under attack", "Success", "Distance", "Gradients", "Queries", "Seconds"];
        foreach (string number in numbers)
            html.RightColumn(number);
        if (hasSeeds)
            html.RightColumn("Seed");
        html.Add($"</tr>");
        html.BeginBody();
    }

    private static void Line(HtmlBuilder html, EvaluationRow row, bool hasSubjects, bool hasSeeds)
    {
        bool isClean = row.Attack == EvaluationRow.Nothing;
        string threat = row.Threat == Threat.None ? "" : $", {ReportText.Name(row.Threat)}";
        html.Add($"<tr>");
        if (hasSubjects)
            html.Cell($"{row.Model}, {row.Data}");
        html.Row(isClean ? "no attack" : ReportText.Attack(row.Attack, row.Norm, row.Epsilon));
        html.Cell(ReportText.Name(row.Defense) + threat);
        html.RightNumber(ReportText.Percent(row.CleanAccuracy), $"{row.CleanCorrect}/{row.Count}");
        html.RightNumber(ReportText.Percent(row.RobustAccuracy), $"{row.RobustCorrect}/{row.Count}");
        if (row.SuccessRate is { } rate)
            html.RightNumber(ReportText.Percent(rate), $"{row.Succeeded}/{row.Attacked}");
        else
            html.RightNumber("–");
        html.RightNumber(ReportText.Distance(row));
        html.RightNumber(ReportText.Number(row.Gradients));
        html.RightNumber(ReportText.Number(row.Queries));
        html.Add($"""<td class="r">{row.Seconds:0.0}</td>""");
        if (hasSeeds)
            html.Add($"""<td class="r">{row.Seed}</td>""");
        html.Line($"</tr>");
    }

    private static void Missing(HtmlBuilder html, EvaluationRow row, bool hasSubjects, bool hasSeeds)
    {
        html.Add($"<tr>");
        if (hasSubjects)
            html.Cell($"{row.Model}, {row.Data}");
        html.Row(ReportText.Attack(row.Attack, row.Norm, row.Epsilon));
        html.Cell($"{ReportText.Name(row.Defense)}, white box");
        html.Add($"""<td colspan="{(hasSeeds ? 8 : 7)}" class="alarm">NOT MEASURED</td>""");
        html.Line($"</tr>");
    }
}
