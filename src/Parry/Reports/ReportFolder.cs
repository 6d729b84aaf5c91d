using Parry.Reports.Html;

namespace Parry.Reports;

/// <summary>
/// A folder with the report in its three forms: <c>report.json</c>, <c>report.md</c> and <c>index.html</c>.
/// </summary>
public static class ReportFolder
{
    private const string Page = "index.html";
    private const string Json = "report.json";
    private const string Markdown = "report.md";

    /// <summary>The names of the files that it writes.</summary>
    public static IReadOnlyList<string> FileNames { get; } = [Page, Json, Markdown];

    /// <summary>
    /// Renders all three forms, then writes them, each whole or not at all. Gives the path of the page.
    /// </summary>
    /// <exception cref="InvalidOperationException">This build has no chart bundle.</exception>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public static string Write(EvaluationReport report, string folder)
    {
        string page = Path.Combine(folder, Page);
        string html = HtmlReport.Render(report, HtmlReport.LoadChartBundle());
        // The largest first: a disk that is nearly full fails before anything is replaced.
        AtomicFile.WriteText(page, html);
        JsonReport.Write(report, Path.Combine(folder, Json));
        MarkdownReport.Write(report, Path.Combine(folder, Markdown));
        return page;
    }

    /// <summary>Makes the folder and checks that it can be written to, before long work begins.</summary>
    /// <exception cref="UserErrorException">It cannot be made or written to.</exception>
    public static void CheckWritable(string folder)
    {
        string probe = Path.Combine(folder, $".parry-{Path.GetRandomFileName()}.tmp");
        AtomicFile.WriteText(probe, "");
        File.Delete(probe);
    }
}
