using System.Globalization;
using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>
/// The report as one HTML page that needs nothing beside it: style, charts and pictures are inside, and a content
/// security policy forbids it to load anything.
/// </summary>
public static class HtmlReport
{
    private const string BundleName = "Parry.Reports.charts.js";

    /// <summary>
    /// Writes the page to <paramref name="path"/>, whole or not at all, with the chart bundle of this build.
    /// </summary>
    /// <exception cref="InvalidOperationException">This build has no chart bundle.</exception>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public static void Write(EvaluationReport report, string path) =>
        AtomicFile.WriteText(path, Render(report, LoadChartBundle()));

    /// <summary>Gives the script that draws the charts, as it was built into this assembly.</summary>
    /// <exception cref="InvalidOperationException">This build has no chart bundle.</exception>
    public static string LoadChartBundle()
    {
        using Stream stream =
            typeof(HtmlReport).Assembly.GetManifestResourceStream(BundleName)
            ?? throw new InvalidOperationException(
                $"This build has no chart bundle (expected the embedded resource {BundleName}). Run ./setup.sh and "
                    + $"build again."
            );
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>
    /// Gives the page as text. <paramref name="chartBundle"/> is a script that draws, for each element with
    /// <c>data-chart</c>, the Vega-Lite specification in the JSON script element whose id that names.
    /// </summary>
    public static string Render(EvaluationReport report, string chartBundle)
    {
        var html = new HtmlBuilder();
        IReadOnlyList<ReportGroup> groups = ReportGroup.From(report.Rows);
        html.Add(
            $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'">
            <title>{report.Title}</title>
            <style>

            """
        );
        html.AddRaw(HtmlStyle.Css);
        html.Add($"\n</style>\n</head>\n<body>\n");
        Header(html, report, groups);
        html.Add($"<main>\n");
        Notes(html, report);
        HtmlTables.Results(html, groups);
        Accuracy(html, groups);
        Times(html, report);
        HtmlGallery.Add(html, report.Gallery);
        Rocs(html, report);
        Guide(html);
        HtmlTables.Log(html, report.Rows);
        Repeat(html, report);
        html.Add(
            $"</main>\n<footer>Parry measures how easily an image classifier is fooled, and what helps. This page "
                + $"needs no network and sends nothing.</footer>\n<script>"
        );
        // A script element ends at the first closing tag in it, even inside a string.
        html.AddRaw(
            chartBundle
                .Replace("</script", "<\\/script", StringComparison.OrdinalIgnoreCase)
                .Replace("<!--", "<\\!--", StringComparison.Ordinal)
        );
        html.Add($"</script>\n</body>\n</html>\n");
        return html.ToString();
    }

    private static void Header(HtmlBuilder html, EvaluationReport report, IReadOnlyList<ReportGroup> groups)
    {
        string subjects = string.Join("; ", groups.Select(group => $"{group.Model} on {group.Data}").Distinct());
        string images = string.Join(
            " or ",
            report
                .Rows.Select(row => row.Count)
                .Distinct()
                .Order()
                .Select(count => count.ToString("#,0", CultureInfo.InvariantCulture))
        );
        html.Add($"<header>\n<p class=\"brand\">Parry robustness report</p>\n<h1>{report.Title}</h1>\n");
        html.Add(
            $"<p class=\"facts\">{subjects}{(images.Length > 0 ? $"; {images} images" : "")}; "
                + $"{report.Created.UtcDateTime.ToString("d MMMM yyyy, HH:mm", CultureInfo.InvariantCulture)} UTC</p>\n"
        );
        html.Add($"<ul class=\"headlines\">\n");
        foreach (ReportHeadline headline in ReportHeadline.From(report))
            html.Add($"<li><b>{headline.Value}</b><span>{headline.Text}</span><small>{headline.Detail}</small></li>\n");
        html.Add($"</ul>\n</header>\n");
    }

    private static void Notes(HtmlBuilder html, EvaluationReport report)
    {
        IReadOnlyList<string> notes = ReportNotes.From(report);
        if (notes.Count == 0)
            return;

        html.Add($"<section class=\"notes\" aria-labelledby=\"notes\">\n<h2 id=\"notes\">Read this first</h2>\n<ul>\n");
        foreach (string note in notes)
            html.Add($"<li>{note}</li>\n");
        html.Add($"</ul>\n</section>\n");
    }

    private static void Accuracy(HtmlBuilder html, IReadOnlyList<ReportGroup> groups)
    {
        IReadOnlyList<ReportChart> charts = ReportCharts.Accuracy(groups);
        if (charts.Count == 0)
            return;

        html.Add(
            $"<h2>Accuracy against budget</h2>\n<p class=\"lead\">How many images stay right as the attacker may "
                + $"change more."
        );
        if (charts.Any(chart => chart.Series.Any(line => line.Dashed)))
            html.Add($" The gap between the dashed and the solid line is what a defense loses once it is known.");
        html.Add($"</p>\n<div class=\"charts\">\n");
        for (int i = 0; i < charts.Count; i++)
            Chart(html, charts[i], $"accuracy-{i + 1}");
        html.Add($"</div>\n");
    }

    private static void Rocs(HtmlBuilder html, EvaluationReport report)
    {
        IReadOnlyList<RocCurve> largest = AucTable.Largest(report.Rocs);
        ReportChart[] charts = [.. ReportCharts.Roc(largest)];
        if (charts.Length == 0)
            return;

        var (tables, others) = AucTable.From(report.Rocs);
        html.Add(
            $"<h2>Telling attacked images from clean ones</h2>\n<p class=\"lead\">The defense as a detector. An "
                + $"area under the curve (AUC) of 1 is perfect, 0.5 is a coin "
                + $"toss.{(tables.Count > 0 ? " Curves are those of the largest budgets." : "")}</p>\n<div "
                + $"class=\"{(charts.Length == 1 ? "roc" : "charts")}\">\n"
        );
        for (int k = 0; k < charts.Length; k++)
            Chart(html, charts[k], $"roc-{k + 1}");
        // Beside one chart there is room for all areas; below several only those that are in no table of budgets.
        if (charts.Length == 1)
            HtmlTables.Auc(html, largest);
        html.Add($"</div>\n");
        if (charts.Length > 1 && others.Count > 0)
            HtmlTables.Auc(html, others);
        if (tables.Count == 0)
            return;

        html.Add($"<h3>Detection against budget</h3>\n<div class=\"charts\">\n");
        int i = 0;
        foreach (ReportChart budgets in ReportCharts.Auc(tables))
            Chart(html, budgets, $"auc-{++i}");
        html.Add($"</div>\n");
        HtmlTables.Auc(html, tables);
    }

    private static void Times(HtmlBuilder html, EvaluationReport report)
    {
        IReadOnlyList<TimedDefense> defenses = TimedDefense.From(report);
        if (TimeChart.Of(defenses) is not { } chart)
            return;

        html.Add(
            $"<h2>Accuracy against time</h2>\n<p class=\"lead\">What an answer costs, and what it keeps under the "
                + $"worst attack. {ReportGlossary.Time} A circle stands for clean images, a diamond for an attacker "
                + $"who does not know the defense, a triangle for one who does.</p>\n<div class=\"charts\">\n"
        );
        Chart(html, chart, "time");
        html.Add($"</div>\n");
        HtmlTables.Times(html, defenses);
    }

    private static void Chart(HtmlBuilder html, ReportChart chart, string id)
    {
        html.Add($"<figure>\n<figcaption>{chart.Title}</figcaption>\n<ul class=\"legend\">\n");
        foreach (ReportChart.Line line in chart.Series)
            html.Add(
                $"<li><i style=\"border-top: 2.5px {(line.Dashed ? "dashed" : "solid")} "
                    + $"{line.Color}\"></i>{line.Name}</li>\n"
            );
        html.Add(
            $"</ul>\n<div class=\"chart\" data-chart=\"{id}\" role=\"img\" "
                + $"aria-label=\"{chart.Description}\"></div>\n<script type=\"application/json\" id=\"{id}\">"
        );
        html.AddRaw(chart.Spec);
        html.Add(
            $"</script>\n<noscript>This chart is drawn by a script; the numbers are in the "
                + $"tables.</noscript>\n</figure>\n"
        );
    }

    private static void Guide(HtmlBuilder html)
    {
        html.Add($"<h2>How to read this</h2>\n<dl class=\"guide\">\n");
        foreach ((string term, string meaning) in ReportGlossary.Results.Concat(ReportGlossary.Measurements))
            html.Add($"<dt>{term}</dt><dd>{meaning}</dd>\n");
        html.Add($"</dl>\n");
    }

    private static void Repeat(HtmlBuilder html, EvaluationReport report)
    {
        string seeds = string.Join(", ", report.Rows.Select(row => row.Seed).Distinct());
        html.Add(
            $"<h2>How to repeat it</h2>\n<p class=\"lead\">The same command with the same seed gives the same "
                + $"images and the same "
                + $"numbers.</p>\n<pre><code>{report.Command}</code></pre>\n<dl>\n<dt>seed</dt><dd>{seeds}</dd>\n"
        );
        foreach ((string key, string value) in report.Settings.Concat(report.Machine))
            html.Add($"<dt>{key}</dt><dd>{value}</dd>\n");
        html.Add($"</dl>\n");
    }
}
