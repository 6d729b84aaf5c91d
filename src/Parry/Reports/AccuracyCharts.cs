using System.Text.Json.Nodes;
using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>
/// Accuracy against budget. Each line shows at each budget the smallest accuracy under all attacks within it, so that
/// no line rises, and none shows more than some attack left.
/// </summary>
internal static class AccuracyCharts
{
    private const int Height = 250;

    /// <summary>Gives one chart for each norm in which attacks were measured at two budgets or more.</summary>
    public static IReadOnlyList<ReportChart> Of(EvaluationReport report)
    {
        var charts = new List<ReportChart>();
        var subjects = report.Rows.GroupBy(row => (row.Model, row.Data)).ToList();
        foreach (var subject in subjects)
        {
            string on = subjects.Count == 1 ? "" : $", {subject.Key.Model} on {subject.Key.Data}";
            charts.AddRange(
                subject
                    .Where(row => row.Epsilon is not null)
                    .GroupBy(row => row.Norm!)
                    .Where(norm => norm.Select(row => row.Epsilon).Distinct().Count() > 1)
                    .Select(norm => Chart([.. subject], norm.Key, report, on))
            );
        }

        return charts;
    }

    private static ReportChart Chart(EvaluationRow[] rows, string norm, EvaluationReport report, string on)
    {
        string title = ReportText.Norm(norm);
        string description =
            $"Accuracy against budget in {title}{on}, under the strongest attack within each budget; the numbers "
            + $"are in "
            + "the table of results.";
        double largest = rows.Where(row => row.Norm == norm).Max(row => row.Epsilon)!.Value;
        JsonObject x = VegaLite.Axis("x", "Budget, " + title, largest);
        JsonObject y = VegaLite.Axis("y", "Accuracy", 1, inPercent: true);
        IReadOnlyList<ReportChart.Line> series = [.. Series(rows, norm, report)];
        return new(title + on, description, series, VegaLite.Lines(description, series, x, y, Height));
    }

    private static IEnumerable<ReportChart.Line> Series(EvaluationRow[] rows, string norm, EvaluationReport report)
    {
        string[] defenses =
        [
            .. rows.Select(row => row.Defense).Where(defense => defense != EvaluationRow.Nothing).Distinct(),
        ];
        List<ReportChart.Line?> series =
        [
            Line("no defense", ReportChart.NoDefense, false, EvaluationRow.Nothing, threat => threat == Threat.None),
        ];
        for (int i = 0; i < defenses.Length; i++)
        {
            // An accuracy against the unaware attacker is not drawn without the one against the aware attacker, because
            // a curve would convince more than it should.
            string name = ReportText.Name(defenses[i]);
            string bound = report.KnownBreaksNotRun.ContainsKey(defenses[i]) ? " (known breaks not run)" : "";
            ReportChart.Line? aware = Line(
                $"{name}, attacker knows it{bound}",
                ReportChart.Color(i),
                false,
                defenses[i],
                threat => threat != Threat.None,
                mustBeMeasured: Threats.IsAware
            );
            if (aware is null)
                continue;
            series.Add(
                Line($"{name}, attacker does not know it", ReportChart.Color(i), true, defenses[i], Threats.IsUnaware)
            );
            series.Add(aware);
        }

        return series.OfType<ReportChart.Line>();

        // Null where there are too few points for a line.
        ReportChart.Line? Line(
            string name,
            string color,
            bool dashed,
            string defense,
            Func<Threat, bool> knows,
            Func<Threat, bool>? mustBeMeasured = null
        )
        {
            EvaluationRow[] own = [.. rows.Where(row => row.Defense == defense)];
            IEnumerable<double> budgets = own.Where(row => row.Norm == norm && row.Epsilon is not null)
                .Where(row => (mustBeMeasured ?? knows)(row.Threat))
                .Select(row => row.Epsilon!.Value)
                .Distinct()
                .Order();
            (double, double)[] points =
            [
                .. own.Take(1).Select(row => (0.0, row.CleanAccuracy)),
                .. budgets.Select(epsilon => (epsilon, Accuracy(epsilon))),
            ];
            return points.Length < 2 ? null : new(name, color, dashed, points);

            double Accuracy(double epsilon) =>
                StrongestAttack.Within(own, defense, knows, norm, epsilon)!.RobustAccuracy;
        }
    }
}
