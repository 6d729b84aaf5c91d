using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>The tables of the page.</summary>
internal static class HtmlTables
{
    /// <summary>
    /// Adds one table for each model and data set: attacks and defenses down, what the attacker knows across.
    /// </summary>
    public static void Results(HtmlBuilder html, IReadOnlyList<ReportGroup> groups)
    {
        html.Add(
            $"<h2>Results</h2>\n<p class=\"lead\">How many images the classifier still gets right; under each bar "
                + $"the 95\u202f% confidence interval."
        );
        if (groups.Any(group => group.IsDefended))
            html.Add(
                $" What a defense keeps against an unaware attacker counts only beside what it keeps once the "
                    + $"attacker knows it."
            );
        html.Add($"</p>\n");
        bool seeds = groups.Where(group => !group.IsClean).Select(group => group.Seed).Distinct().Skip(1).Any();
        var subjects = groups.GroupBy(group => (group.Model, group.Data)).ToList();
        foreach (var subject in subjects)
            Results(html, subject, subjects.Count > 1 ? $"{subject.Key.Model} on {subject.Key.Data}" : null, seeds);
    }

    private static void Results(HtmlBuilder html, IEnumerable<ReportGroup> groups, string? caption, bool seeds)
    {
        // A single defense is named once, above its two columns; several need a column of their own.
        string[] defenses = [.. groups.Where(group => group.IsDefended).Select(group => group.Defense).Distinct()];
        html.Add($"<div class=\"scroll\">\n<table class=\"results\">\n");
        if (caption is not null)
            html.Add($"<caption>{caption}</caption>\n");
        html.Add($"<thead>");
        if (defenses.Length == 1)
            html.Add(
                $"<tr class=\"over\"><td></td><td></td><th scope=\"colgroup\" colspan=\"2\">With "
                    + $"{ReportText.Name(defenses[0])}</th></tr>\n"
            );
        html.Add($"<tr><th scope=\"col\">Attack</th>");
        if (defenses.Length > 1)
            html.Add($"<th scope=\"col\">Defense</th>");
        html.Add($"<th scope=\"col\">No defense<small>bare classifier</small></th>");
        if (defenses.Length > 0)
            html.Add(
                $"<th scope=\"col\">Attacker unaware<small>black or grey box</small></th><th scope=\"col\">Attacker "
                    + $"aware<small>white box</small></th>"
            );
        html.Add($"</tr></thead>\n<tbody>\n");

        foreach (var attack in groups.GroupBy(group => (group.Attack, group.Norm, group.Epsilon, group.Seed)))
        {
            ReportGroup[] lines = [.. attack];
            for (int i = 0; i < lines.Length; i++)
                Line(html, lines[i], i == 0 ? lines.Length : 0, defenses.Length, seeds);
        }

        html.Add($"</tbody>\n</table>\n</div>\n");
    }

    /// <summary>Adds the table of the areas under the ROC curves.</summary>
    public static void Auc(HtmlBuilder html, IReadOnlyList<RocCurve> rocs)
    {
        html.Add(
            $"<div class=\"scroll\">\n<table>\n<thead><tr><th scope=\"col\">Detector</th><th "
                + $"scope=\"col\">Attack</th><th scope=\"col\">AUC</th></tr></thead>\n<tbody>\n"
        );
        foreach (RocCurve roc in rocs)
        {
            html.Add(
                $"<tr><th scope=\"row\">{ReportText.Name(roc.Defense)}<small>{ReportText.Knowledge(roc.Threat)}</small></th>"
            );
            html.Add(
                $"<td>{ReportText.Name(roc.Attack)}<small>{ReportText.Budget(roc.Norm, roc.Epsilon)}</small></td><td class=\"number\"><b>{roc.Auc:0.000}</b></td></tr>\n"
            );
        }

        html.Add($"</tbody>\n</table>\n</div>\n");
    }

    /// <summary>Adds the areas of attacks that were measured at several budgets.</summary>
    public static void Auc(HtmlBuilder html, IReadOnlyList<AucTable> tables)
    {
        foreach (AucTable table in tables)
        {
            html.Add(
                $"<div class=\"scroll\">\n<table class=\"areas\">\n<caption>AUC under "
                    + $"{ReportText.Name(table.Attack)}</caption>\n<thead><tr><th scope=\"col\">Detector</th>"
            );
            foreach (double budget in table.Budgets)
                html.Add($"<th scope=\"col\">{ReportText.Budget(table.Norm, budget)}</th>");
            html.Add($"</tr></thead>\n<tbody>\n");
            foreach (AucTable.Row row in table.Rows)
            {
                html.Add(
                    $"<tr><th scope=\"row\">{ReportText.Name(row.Defense)}<small>{ReportText.Knowledge(row.Threat)}</small></th>"
                );
                foreach (double? area in row.Areas)
                    html.Add($"<td class=\"number\">{ReportText.Area(area)}</td>");
                html.Add($"</tr>\n");
            }

            html.Add($"</tbody>\n</table>\n</div>\n");
        }
    }

    /// <summary>Adds what an answer costs and what it keeps.</summary>
    public static void Times(HtmlBuilder html, IReadOnlyList<TimedDefense> defenses)
    {
        html.Add(
            $"<div class=\"scroll\">\n<table>\n<thead><tr><th scope=\"col\">Defense</th><th scope=\"col\">ms an "
                + $"image</th><th scope=\"col\">Clean</th><th scope=\"col\">Attacker unaware</th><th "
                + $"scope=\"col\">Attacker aware</th></tr></thead>\n<tbody>\n"
        );
        foreach (TimedDefense defense in defenses)
        {
            html.Add(
                $"<tr><th scope=\"row\">{defense.Name}</th><td "
                    + $"class=\"number\">{ReportText.Milliseconds(defense.Milliseconds)}</td><td "
                    + $"class=\"number\">{ReportText.Percent(defense.Clean)}</td>"
            );
            foreach (EvaluationRow? worst in (EvaluationRow?[])[defense.Static, defense.Adaptive])
            {
                if (worst is null)
                    html.Add($"<td class=\"number\">–</td>");
                else
                    html.Add(
                        $"<td class=\"number\">{ReportText.Percent(worst.RobustAccuracy)}<small>{ReportText.Attack(worst.Attack, worst.Norm, worst.Epsilon)}</small></td>"
                    );
            }

            html.Add($"</tr>\n");
        }

        html.Add($"</tbody>\n</table>\n</div>\n");
    }

    /// <summary>Adds every measurement with its costs, the adaptive ones directly after their static ones.</summary>
    public static void Log(HtmlBuilder html, IReadOnlyList<EvaluationRow> rows)
    {
        bool several = rows.Select(row => (row.Model, row.Data)).Distinct().Skip(1).Any();
        bool seeds = rows.Select(row => row.Seed).Distinct().Skip(1).Any();
        html.Add(
            $"<h2>Every measurement</h2>\n<p class=\"lead\">Success is over the attacked images, distance is their "
                + $"median; gradients and queries are for one image, seconds for all of them.</p>\n<div "
                + $"class=\"scroll\">\n<table class=\"log\">\n<thead><tr>"
        );
        if (several)
            html.Add($"<th scope=\"col\">Model, data</th>");
        html.Add(
            $"<th scope=\"col\">Attack</th><th scope=\"col\">Defense, attacker</th><th scope=\"col\" "
                + $"class=\"r\">Clean</th><th scope=\"col\" class=\"r\">Under attack</th>"
        );
        html.Add(
            $"<th scope=\"col\" class=\"r\">Success</th><th scope=\"col\" class=\"r\">Distance</th><th "
                + $"scope=\"col\" class=\"r\">Gradients</th><th scope=\"col\" class=\"r\">Queries</th><th "
                + $"scope=\"col\" class=\"r\">Seconds</th>"
        );
        if (seeds)
            html.Add($"<th scope=\"col\" class=\"r\">Seed</th>");
        html.Add($"</tr></thead>\n<tbody>\n");

        var ordered = rows.GroupBy(row => (row.Model, row.Data))
            .SelectMany(subject => subject.GroupBy(row => (row.Attack, row.Norm, row.Epsilon, row.Seed)))
            .SelectMany(attack => attack.GroupBy(row => row.Defense));
        foreach (var defense in ordered)
        {
            foreach (EvaluationRow row in defense.OrderBy(row => row.Threat))
                Line(html, row, several, seeds);
            EvaluationRow first = defense.First();
            if (defense.Any(row => row.Threat.IsUnaware()) && !defense.Any(row => row.Threat.IsAware()))
            {
                if (several)
                    html.Add($"<tr><td>{first.Model}, {first.Data}</td>");
                else
                    html.Add($"<tr>");
                html.Add(
                    $"<th scope=\"row\">{ReportText.Attack(first.Attack, first.Norm, first.Epsilon)}</th><td>{ReportText.Name(first.Defense)}, white box</td><td colspan=\"{(seeds ? 8 : 7)}\" class=\"alarm\">NOT MEASURED</td></tr>\n"
                );
            }
        }

        html.Add($"</tbody>\n</table>\n</div>\n");
    }

    private static void Line(HtmlBuilder html, ReportGroup group, int span, int defenses, bool seeds)
    {
        html.Add($"<tr>");
        if (span > 0)
        {
            string name = group.IsClean ? "No attack" : ReportText.Name(group.Attack);
            string budget = group.IsClean
                ? "clean images"
                : ReportText.Budget(group.Norm, group.Epsilon) + (seeds ? $", seed {group.Seed}" : "");
            html.Add($"<th scope=\"rowgroup\" rowspan=\"{span}\"><b>{name}</b><small>{budget}</small></th>");
        }

        if (defenses > 1)
            html.Add($"<th scope=\"row\">{ReportText.Name(group.Defense)}</th>");
        if (span > 0)
            Cell(html, group.Undefended, "u", span, 1);
        if (defenses > 0 && group.IsClean)
        {
            Cell(html, group.Adaptive, "a", 1, 2);
        }
        else if (defenses > 0)
        {
            Cell(html, group.Static, "s", 1, 1);
            if (group.LacksAdaptive)
                html.Add(
                    $"<td class=\"number alarm\">NOT MEASURED<small>the number to the left proves nothing "
                        + $"alone</small></td>"
                );
            else
                Cell(html, group.Adaptive, "a", 1, 1);
        }

        html.Add($"</tr>\n");
    }

    private static void Cell(HtmlBuilder html, EvaluationRow? row, string kind, int rows, int columns)
    {
        html.Add($"<td class=\"number\" rowspan=\"{rows}\" colspan=\"{columns}\">");
        if (row is null)
        {
            html.Add($"<span class=\"missing\">{ReportText.NotMeasured}</span></td>");
            return;
        }

        html.Add(
            $"<b>{ReportText.Percent(row.RobustAccuracy)}</b> <span "
                + $"class=\"small\">{row.RobustCorrect}/{row.Count}</span><span class=\"bar {kind}\" "
                + $"style=\"--part:{100 * row.RobustAccuracy:0.#}%\"></span>"
        );
        html.Add($"<small>{100 * row.RobustLow:0} to {100 * row.RobustHigh:0}\u202f%</small></td>");
    }

    private static void Line(HtmlBuilder html, EvaluationRow row, bool several, bool seeds)
    {
        html.Add($"<tr>");
        if (several)
            html.Add($"<td>{row.Model}, {row.Data}</td>");
        bool attacked = row.Attack != EvaluationRow.Nothing;
        html.Add(
            $"<th scope=\"row\">{(attacked ? ReportText.Attack(row.Attack, row.Norm, row.Epsilon) : "no attack")}</th><td>{ReportText.Name(row.Defense)}{Word(row.Threat)}</td>"
        );
        html.Add(
            $"<td class=\"r\">{ReportText.Percent(row.CleanAccuracy)} "
                + $"<small>{row.CleanCorrect}/{row.Count}</small></td>"
        );
        html.Add(
            $"<td class=\"r\">{ReportText.Percent(row.RobustAccuracy)} "
                + $"<small>{row.RobustCorrect}/{row.Count}</small></td>"
        );
        if (row.SuccessRate is { } rate)
            html.Add($"<td class=\"r\">{ReportText.Percent(rate)} <small>{row.Succeeded}/{row.Attacked}</small></td>");
        else
            html.Add($"<td class=\"r\">–</td>");
        html.Add(
            $"<td class=\"r\">{ReportText.Distance(row)}</td><td "
                + $"class=\"r\">{ReportText.Number(row.Gradients)}</td><td "
                + $"class=\"r\">{ReportText.Number(row.Queries)}</td>"
        );
        html.Add($"<td class=\"r\">{row.Seconds:0.0}</td>");
        if (seeds)
            html.Add($"<td class=\"r\">{row.Seed}</td>");
        html.Add($"</tr>\n");
    }

    private static string Word(Threat threat) => threat == Threat.None ? "" : $", {ReportText.Name(threat)}";
}
