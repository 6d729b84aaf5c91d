namespace Parry.Reports;

/// <summary>One chart of a report. The page draws the legend, because a legend in HTML wraps on a phone.</summary>
/// <param name="Title">What the chart is of.</param>
/// <param name="Description">What it shows, for somebody who cannot see it.</param>
/// <param name="Series">The lines.</param>
/// <param name="Spec">The Vega-Lite specification as JSON; every <c>&lt;</c> in it is escaped, so it may stand inside a
/// script element.</param>
internal sealed record ReportChart(
    string Title,
    string Description,
    IReadOnlyList<ReportChart.Line> Series,
    string Spec
)
{
    private const int Colors = 6;

    /// <summary>The color of what is compared with all others.</summary>
    public const string NoDefense = "var(--none)";

    /// <summary>One line: its name, a CSS color, whether it is dashed, and its points in order.</summary>
    internal sealed record Line(string Name, string Color, bool Dashed, IReadOnlyList<(double X, double Y)> Points);

    /// <summary>
    /// The color of the line with a number. Colors are the page's CSS variables, so charts follow light, dark and
    /// print.
    /// </summary>
    public static string Color(int number) => $"var(--s{(number % Colors) + 1})";
}
