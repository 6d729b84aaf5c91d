using System.Xml.Linq;
using Parry.Evaluation;
using Parry.Reports;

namespace Parry.Cli.Reproducing.Figures;

/// <summary>
/// Draws ROC curves, a panel for each parameter that is varied, and below each the areas under its curves.
/// </summary>
internal static class RocFigure
{
    private const double PanelWidth = 270;
    private const double Side = 210;
    private const double Left = 34;
    private const double CurvesTop = 44;
    private const double AreasTop = CurvesTop + Side + 64;
    private const double AreasHeight = 110;
    private const double Height = AreasTop + AreasHeight + 64;
    private const double LineHeight = 15;
    private const string Ink = "#222";
    private const string Pale = "#888";

    private static readonly string[] s_colors = ["#1b6ca8", "#d1495b", "#3a7d44", "#8f5db7", "#b8860b", "#00798c"];

    /// <summary>Draws the panels side by side.</summary>
    public static string Draw(string title, IReadOnlyList<DrawnPanel> panels) =>
        Svg.Document(
            (panels.Count * PanelWidth) + Left,
            Height,
            title,
            panels.SelectMany(Panel).Append(Svg.Text((Left, Height - 12), HowToRead))
        );

    private const string HowToRead =
        "Solid: the attacker does not know the detector. Dashed: the attacker evades it, on fewer images.";

    private static IEnumerable<XElement> Panel(DrawnPanel panel, int number)
    {
        double left = Left + (number * PanelWidth);
        var curves = new PlotArea(left, CurvesTop, Side, Side);
        var areas = new PlotArea(left, AreasTop, Side, AreasHeight);
        return
        [
            Svg.Text((left, 18), panel.Parameter),
            Svg.Text((left, 34), panel.Fixed),
            .. curves.Frame("true against false positives", [(0, "0"), (0.5, "0.5"), (1, "1")]),
            Svg.Line([curves.At(0, 0), curves.At(1, 1)], Pale, dashed: true),
            .. panel.Curves.SelectMany((curve, i) => Curve(curves, curve, i, panel.Curves.Count)),
            .. areas.Frame(
                $"AUC against {panel.Parameter}",
                panel.Curves.Select((curve, i) => (Place(panel, i), curve.Value))
            ),
            .. Areas(areas, panel, curve => curve.Adaptive, dashed: true),
            .. Areas(areas, panel, curve => curve.Ours, dashed: false),
        ];
    }

    // The curve, and its line of the legend in the lower right, where curves of a detector seldom are.
    private static IEnumerable<XElement> Curve(PlotArea plot, DrawnCurve curve, int number, int count)
    {
        if (curve.Ours is not { } roc)
            yield break;
        string color = s_colors[number % s_colors.Length];
        var (right, bottom) = plot.At(1, 0);
        double y = bottom - 8 - ((count - 1 - number) * LineHeight);
        yield return Svg.Line(roc.Points.Select(point => plot.At(point.Fpr, point.Tpr)), color);
        yield return Svg.Line([(right - 98, y - 4), (right - 84, y - 4)], color);
        yield return Svg.Text((right - 80, y), $"{curve.Value}: {ReportText.Area(roc.Auc)}");
    }

    private static IEnumerable<XElement> Areas(
        PlotArea plot,
        DrawnPanel panel,
        Func<DrawnCurve, RocCurve?> chosen,
        bool dashed
    )
    {
        (double X, double Y)[] points =
        [
            .. panel
                .Curves.Select((curve, i) => (Roc: chosen(curve), X: Place(panel, i)))
                .Where(point => point.Roc is not null)
                .Select(point => plot.At(point.X, point.Roc!.Auc)),
        ];
        string color = dashed ? Pale : Ink;
        return [Svg.Line(points, color, dashed), .. points.Select(point => Svg.Dot(point, color))];
    }

    private static double Place(DrawnPanel panel, int number) => (number + 0.5) / panel.Curves.Count;
}

/// <summary>A panel with what was measured.</summary>
/// <param name="Parameter">What varies.</param>
/// <param name="Fixed">What does not.</param>
/// <param name="Curves">A curve for each value.</param>
internal sealed record DrawnPanel(string Parameter, string Fixed, IReadOnlyList<DrawnCurve> Curves);

/// <summary>The curves at one value of a parameter; null where they were not measured.</summary>
/// <param name="Value">The value.</param>
/// <param name="Ours">The curve of an attacker who does not know the detector.</param>
/// <param name="Adaptive">The curve of one who evades it.</param>
internal sealed record DrawnCurve(string Value, RocCurve? Ours, RocCurve? Adaptive);
