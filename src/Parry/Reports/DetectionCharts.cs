using System.Text.Json.Nodes;
using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>How well the defenses detect attacked images.</summary>
internal static class DetectionCharts
{
    private const int BudgetHeight = 250;
    private const int RocHeight = 330;

    /// <summary>
    /// Gives one chart of detection against budget for each attack that was measured at two budgets or more: a line for
    /// each detector and threat.
    /// </summary>
    public static IEnumerable<ReportChart> Auc(IReadOnlyList<AucTable> tables)
    {
        string[] defenses = [.. tables.SelectMany(table => table.Rows).Select(row => row.Defense).Distinct()];
        foreach (AucTable table in tables)
        {
            List<ReportChart.Line> series =
            [
                .. table
                    .Rows.Where(row => HasAdaptive(table, row))
                    .Select(row => Line(table, row, Array.IndexOf(defenses, row.Defense))),
            ];
            if (series.Count == 0)
                continue;
            string title = ReportText.Name(table.Attack);
            string description =
                $"Area under the ROC curve against budget under {title}; the numbers are in the table below.";
            JsonObject x = VegaLite.Axis("x", "Budget, " + ReportText.Norm(table.Norm ?? ""), table.Budgets[^1]);
            JsonObject y = VegaLite.Axis("y", "Area under the ROC curve", 1);
            yield return new(title, description, series, VegaLite.Lines(description, series, x, y, BudgetHeight));
        }
    }

    /// <summary>Gives one chart of ROC curves for each detector.</summary>
    public static IEnumerable<ReportChart> Roc(IReadOnlyList<RocCurve> rocs)
    {
        const string Description =
            "ROC curves: the share of attacked images that are flagged against the share of clean images that are; the "
            + "areas under the curves are in the table.";
        foreach (var detector in rocs.GroupBy(roc => roc.Defense))
        {
            // Curves of one attack share a color; dashes say what the attacker knew, as in the other charts.
            var attacks = detector.Select(Attack).Distinct().ToList();
            List<ReportChart.Line> series = [.. detector.Select(roc => Line(roc, attacks.IndexOf(Attack(roc))))];
            JsonObject x = VegaLite.Axis("x", "False positive rate (clean images flagged)", 1, inPercent: true);
            JsonObject y = VegaLite.Axis("y", "True positive rate (attacked images flagged)", 1, inPercent: true);
            string spec = VegaLite.Lines(Description, series, x, y, RocHeight, withChance: true);
            yield return new($"ROC of {ReportText.Name(detector.Key)}", Description, series, spec);
        }

        static (string, string?, double?) Attack(RocCurve roc) => (roc.Attack, roc.Norm, roc.Epsilon);
    }

    private static bool HasAdaptive(AucTable table, AucTable.Row row) =>
        table.Rows.Any(other => other.Threat.IsAware() && other.Defense == row.Defense);

    private static ReportChart.Line Line(AucTable table, AucTable.Row row, int color)
    {
        string knows = row.Threat.IsAware() ? "knows it" : "does not know it";
        string name = $"{ReportText.Name(row.Defense)}, attacker {knows}{AndSeed(row.Threat)}";
        (double, double)[] points =
        [
            .. table.Budgets.Zip(row.Areas).Where(point => point.Second is not null).Select(Point),
        ];
        return new(name, ReportChart.Color(color), row.Threat.IsUnaware(), points);

        static (double, double) Point((double Budget, double? Area) point) => (point.Budget, point.Area!.Value);
    }

    private static ReportChart.Line Line(RocCurve roc, int color)
    {
        string attack = ReportText.Attack(roc.Attack, roc.Norm, roc.Epsilon);
        string knows = roc.Threat.IsAware() ? ", attacker knows it" : "";
        string name = $"{attack}{knows}{AndSeed(roc.Threat)}: AUC {ReportText.Area(roc.Auc)}";
        (double, double)[] points = [.. roc.Points.Select(point => (point.Fpr, point.Tpr))];
        return new(name, ReportChart.Color(color), roc.Threat.IsUnaware(), points);
    }

    private static string AndSeed(Threat threat) => threat == Threat.WhiteBoxRevisited ? ", and its seed" : "";
}
