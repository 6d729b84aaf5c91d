namespace Parry.Reports.Html;

/// <summary>
/// The charts of a page: a legend in HTML, because that wraps on a phone, and a specification to draw.
/// </summary>
internal static class HtmlChart
{
    /// <summary>Adds charts side by side, wrapped to the width of the page.</summary>
    /// <param name="html">The page.</param>
    /// <param name="charts">The charts.</param>
    /// <param name="id">What the ids of their elements begin with.</param>
    public static void AddAll(HtmlBuilder html, IReadOnlyList<ReportChart> charts, string id)
    {
        html.Line($"""<div class="charts">""");
        for (int i = 0; i < charts.Count; i++)
            Add(html, charts[i], $"{id}-{i + 1}");
        html.Line($"</div>");
    }

    /// <summary>Adds a chart.</summary>
    public static void Add(HtmlBuilder html, ReportChart chart, string id)
    {
        html.Line($"<figure>");
        html.Line($"<figcaption>{chart.Title}</figcaption>");
        html.Line($"""<ul class="legend">""");
        foreach (ReportChart.Line line in chart.Series)
        {
            string stroke = line.Dashed ? "dashed" : "solid";
            html.Line($"""<li><i style="border-top: 2.5px {stroke} {line.Color}"></i>{line.Name}</li>""");
        }

        html.Line($"</ul>");
        html.Line($"""<div class="chart" data-chart="{id}" role="img" aria-label="{chart.Description}"></div>""");
        html.Add($"""<script type="application/json" id="{id}">""");
        html.AddRaw(chart.Spec);
        html.Line($"</script>");
        html.Line($"<noscript>This chart is drawn by a script; the numbers are in the tables.</noscript>");
        html.Line($"</figure>");
    }
}
