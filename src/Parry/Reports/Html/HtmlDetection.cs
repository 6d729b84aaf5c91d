using Parry.Evaluation;

namespace Parry.Reports.Html;

/// <summary>How well the defenses tell attacked images from clean ones: ROC curves and the areas under them.</summary>
internal static class HtmlDetection
{
    /// <summary>Adds charts and tables; nothing where nothing detects.</summary>
    public static void Add(HtmlBuilder html, IReadOnlyList<RocCurve> rocs)
    {
        IReadOnlyList<RocCurve> largest = AucTable.Largest(rocs);
        ReportChart[] charts = [.. DetectionCharts.Roc(largest)];
        if (charts.Length == 0)
            return;

        var (tables, others) = AucTable.From(rocs);
        html.Line($"<h2>Detecting attacked images</h2>");
        html.Add($"""<p class="lead">The defense used as a detector. An area under the ROC curve (AUC) of 1 is """);
        html.Add($"perfect; 0.5 is chance.");
        if (tables.Count > 0)
            html.Add($" The curves are for the largest budgets.");
        html.Line($"</p>");
        html.Line($"""<div class="{(charts.Length == 1 ? "roc" : "charts")}">""");
        for (int k = 0; k < charts.Length; k++)
            HtmlChart.Add(html, charts[k], $"roc-{k + 1}");

        // Beside a single chart all areas fit; below several, only those that are not in a table of budgets are shown.
        if (charts.Length == 1)
            Areas(html, largest);
        html.Line($"</div>");
        if (charts.Length > 1 && others.Count > 0)
            Areas(html, others);
        if (tables.Count > 0)
            AgainstBudget(html, tables);
    }

    private static void AgainstBudget(HtmlBuilder html, IReadOnlyList<AucTable> tables)
    {
        html.Line($"<h3>Detection against budget</h3>");
        HtmlChart.AddAll(html, [.. DetectionCharts.Auc(tables)], "auc");
        foreach (AucTable table in tables)
        {
            html.BeginTable("areas", $"AUC under {ReportText.Name(table.Attack)}");
            html.Head(["Detector", .. table.Budgets.Select(budget => ReportText.Budget(table.Norm, budget))]);
            foreach (AucTable.Row row in table.Rows)
            {
                html.Add($"<tr>");
                html.Row(ReportText.Name(row.Defense), ReportText.Knowledge(row.Threat));
                foreach (double? area in row.Areas)
                    html.Number(ReportText.Area(area));
                html.Line($"</tr>");
            }

            html.EndTable();
        }
    }

    private static void Areas(HtmlBuilder html, IReadOnlyList<RocCurve> rocs)
    {
        html.BeginTable();
        html.Head("Detector", "Attack", "AUC");
        foreach (RocCurve roc in rocs)
        {
            html.Add($"<tr>");
            html.Row(ReportText.Name(roc.Defense), ReportText.Knowledge(roc.Threat));
            html.Cell(ReportText.Name(roc.Attack), ReportText.Budget(roc.Norm, roc.Epsilon));
            html.Add($"""<td class="number"><b>{roc.Auc:0.000}</b></td>""");
            html.Line($"</tr>");
        }

        html.EndTable();
    }
}
