using Parry.Evaluation;

namespace Parry.Reports.Html;

/// <summary>
/// The tables of results, one for each model and data set: attacks and defenses as rows, what the attacker knows as
/// columns.
/// </summary>
internal static class HtmlResults
{
    /// <summary>Adds the tables.</summary>
    public static void Add(HtmlBuilder html, IReadOnlyList<ReportGroup> groups)
    {
        html.Line($"<h2>Results</h2>");
        html.Add($"""<p class="lead">How many images are still classified correctly, with the """);
        html.Add($"95\u202f% confidence interval below each bar.");
        if (groups.Any(group => group.IsDefended))
        {
            html.Add($" The accuracy of a defense against an unaware attacker means little without its accuracy ");
            html.Add($"against an attacker who knows it.");
        }

        html.Line($"</p>");
        bool hasSeeds =
            groups.Where(group => !group.IsClean && !group.IsBreakNotRun).Select(group => group.Seed).Distinct().Count()
            > 1;
        var subjects = groups.GroupBy(group => (group.Model, group.Data)).ToList();
        foreach (var subject in subjects)
        {
            string? caption = subjects.Count > 1 ? $"{subject.Key.Model} on {subject.Key.Data}" : null;
            Table(html, [.. subject], caption, hasSeeds);
        }
    }

    private static void Table(HtmlBuilder html, ReportGroup[] groups, string? caption, bool hasSeeds)
    {
        // A single defense is named once, above its two columns; several need a column of their own.
        string[] defenses = [.. groups.Where(group => group.IsDefended).Select(group => group.Defense).Distinct()];
        html.BeginTable("results", caption);
        if (defenses.Length == 1)
        {
            html.Add($"""<tr class="over"><td></td><td></td><th scope="colgroup" colspan="2">""");
            html.Line($"With {ReportText.Name(defenses[0])}</th></tr>");
        }

        html.Add($"<tr>");
        html.Column("Attack");
        if (defenses.Length > 1)
            html.Column("Defense");
        html.Column("No defense", "bare classifier");
        if (defenses.Length > 0)
        {
            html.Column("Attacker unaware", "black or grey box");
            html.Column("Attacker aware", "white box");
        }

        html.Add($"</tr>");
        html.BeginBody();
        foreach (var attack in groups.GroupBy(group => (group.Attack, group.Norm, group.Epsilon, group.Seed)))
        {
            ReportGroup[] lines = [.. attack];
            for (int i = 0; i < lines.Length; i++)
                Line(html, lines[i], i == 0 ? lines.Length : 0, defenses.Length, hasSeeds);
        }

        html.EndTable();
    }

    // The first line of an attack names it for all of them.
    private static void Line(HtmlBuilder html, ReportGroup group, int span, int defenses, bool hasSeeds)
    {
        html.Add($"<tr>");
        if (span > 0)
            AttackName(html, group, span, hasSeeds);
        if (defenses > 1)
            html.Row(ReportText.Name(group.Defense));
        if (span > 0)
            Accuracy(html, group.Undefended, "u", span, 1);
        if (defenses > 0)
            Defended(html, group);
        html.Line($"</tr>");
    }

    private static void AttackName(HtmlBuilder html, ReportGroup group, int span, bool hasSeeds)
    {
        string name = group.IsClean ? "No attack" : ReportText.Name(group.Attack);
        string budget = group.Budget;
        if (hasSeeds && !group.IsClean && !group.IsBreakNotRun)
            budget += $", seed {group.Seed}";
        html.Add($"""<th scope="rowgroup" rowspan="{span}"><b>{name}</b><small>{budget}</small></th>""");
    }

    private static void Defended(HtmlBuilder html, ReportGroup group)
    {
        if (group.IsClean)
        {
            Accuracy(html, group.Adaptive, "a", 1, 2);
            return;
        }

        Accuracy(html, group.Static, "s", 1, 1);
        if (group.IsBreakNotRun)
        {
            html.Add($"""<td class="number alarm">NOT RUN""");
            html.Add($"<small>known to break the defense: its other numbers are upper bounds</small></td>");
        }
        else if (group.LacksAdaptive)
        {
            html.Add($"""<td class="number alarm">NOT MEASURED""");
            html.Add($"<small>the number to the left proves nothing by itself</small></td>");
        }
        else
        {
            Accuracy(html, group.Adaptive, "a", 1, 1);
        }
    }

    // A number with its counts, a bar of this kind, and its interval.
    private static void Accuracy(HtmlBuilder html, EvaluationRow? row, string kind, int rows, int columns)
    {
        html.Add($"""<td class="number" rowspan="{rows}" colspan="{columns}">""");
        if (row is null)
        {
            html.Add($"""<span class="missing">{ReportText.NotMeasured}</span></td>""");
            return;
        }

        html.Add($"<b>{ReportText.Percent(row.RobustAccuracy)}</b> ");
        html.Add($"""<span class="small">{row.RobustCorrect}/{row.Count}</span>""");
        html.Add($"""<span class="bar {kind}" style="--part:{100 * row.RobustAccuracy:0.#}%"></span>""");
        html.Add($"<small>{100 * row.RobustLow:0} to {100 * row.RobustHigh:0}\u202f%</small></td>");
    }
}
