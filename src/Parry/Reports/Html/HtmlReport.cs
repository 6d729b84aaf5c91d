using System.Globalization;

namespace Parry.Reports.Html;

/// <summary>
/// The report as one self-contained HTML page: style, charts and pictures are inside, and a content
/// security policy forbids it to load anything.
/// </summary>
public static class HtmlReport
{
    /// <summary>
    /// Writes the page to <paramref name="path"/>, whole or not at all, with the chart bundle of this build.
    /// </summary>
    /// <exception cref="InvalidOperationException">This build has no chart bundle.</exception>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public static void Write(EvaluationReport report, string path) =>
        AtomicFile.WriteText(path, Render(report, LoadChartBundle()));

    /// <summary>Gives the script that draws the charts, as it was built into this assembly.</summary>
    /// <exception cref="InvalidOperationException">This build has no chart bundle.</exception>
    public static string LoadChartBundle() => HtmlPage.Resource("charts.js");

    /// <summary>
    /// Gives the page as text. <paramref name="chartBundle"/> is a script that draws, for each element with
    /// <c>data-chart</c>, the Vega-Lite specification in the JSON script element whose id that names.
    /// </summary>
    public static string Render(EvaluationReport report, string chartBundle)
    {
        var html = new HtmlBuilder();
        IReadOnlyList<ReportGroup> groups = ReportGroup.From(report);
        HtmlPage.Begin(html, report.Title, hasScript: true);
        Header(html, report, groups);
        html.Line($"<main>");
        Notes(html, report);
        HtmlResults.Add(html, groups);
        Accuracy(html, report);
        HtmlTimes.Add(html, TimedDefense.From(report));
        HtmlGallery.Add(html, report.Gallery);
        HtmlDetection.Add(html, report.Rocs);
        Guide(html);
        HtmlMeasurements.Add(html, report.Rows);
        Reproduce(html, report);
        HtmlPage.End(html, chartBundle);
        return html.ToString();
    }

    private static void Header(HtmlBuilder html, EvaluationReport report, IReadOnlyList<ReportGroup> groups)
    {
        string subjects = string.Join("; ", groups.Select(group => $"{group.Model} on {group.Data}").Distinct());
        string counts = string.Join(
            " or ",
            report
                .Rows.Select(row => row.Count)
                .Distinct()
                .Order()
                .Select(count => count.ToString("#,0", CultureInfo.InvariantCulture))
        );
        string images = counts.Length > 0 ? $"; {counts} images" : "";
        string created = report.Created.UtcDateTime.ToString("d MMMM yyyy, HH:mm", CultureInfo.InvariantCulture);
        html.Line($"<header>");
        html.Line($"""<p class="brand">Parry robustness report</p>""");
        html.Line($"<h1>{report.Title}</h1>");
        html.Line($"""<p class="facts">{subjects}{images}; {created} UTC</p>""");
        html.Line($"""<ul class="headlines">""");
        foreach (ReportHeadline headline in ReportHeadline.From(report))
            html.Line($"<li><b>{headline.Value}</b><span>{headline.Text}</span><small>{headline.Detail}</small></li>");
        html.Line($"</ul>");
        html.Line($"</header>");
    }

    private static void Notes(HtmlBuilder html, EvaluationReport report)
    {
        IReadOnlyList<string> notes = ReportNotes.From(report);
        if (notes.Count == 0)
            return;

        html.Line($"""<section class="notes" aria-labelledby="notes">""");
        html.Line($"""<h2 id="notes">Read this first</h2>""");
        html.Line($"<ul>");
        foreach (string note in notes)
            html.Line($"<li>{note}</li>");
        html.Line($"</ul>");
        html.Line($"</section>");
    }

    private static void Accuracy(HtmlBuilder html, EvaluationReport report)
    {
        IReadOnlyList<ReportChart> charts = AccuracyCharts.Of(report);
        if (charts.Count == 0)
            return;

        html.Line($"<h2>Accuracy against budget</h2>");
        html.Add($"""<p class="lead">Accuracy as the attacker's budget grows, under """);
        html.Add($"the strongest of all attacks within each budget.");
        if (charts.Any(chart => chart.Series.Any(line => line.Dashed)))
            html.Add(
                $" The gap between the dashed and the solid line is what a defense loses once the attacker "
                    + $"knows it."
            );
        html.Line($"</p>");
        HtmlChart.AddAll(html, charts, "accuracy");
    }

    private static void Guide(HtmlBuilder html)
    {
        html.Line($"<h2>How to read this</h2>");
        html.Line($"""<dl class="guide">""");
        foreach ((string term, string meaning) in ReportGlossary.Results.Concat(ReportGlossary.Measurements))
            html.Line($"<dt>{term}</dt><dd>{meaning}</dd>");
        html.Line($"</dl>");
    }

    private static void Reproduce(HtmlBuilder html, EvaluationReport report)
    {
        string seeds = string.Join(", ", report.Rows.Select(row => row.Seed).Distinct());
        html.Line($"<h2>How to reproduce it</h2>");
        html.Line($"""<p class="lead">The same command with the same seed gives the same images and numbers.</p>""");
        html.Line($"<pre><code>{report.Command}</code></pre>");
        html.Line($"<dl>");
        html.Line($"<dt>seed</dt><dd>{seeds}</dd>");
        foreach ((string key, string value) in report.Settings.Concat(report.Machine))
            html.Line($"<dt>{key}</dt><dd>{value}</dd>");
        html.Line($"</dl>");
    }
}
