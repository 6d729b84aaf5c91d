using System.Text.Json.Nodes;
using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>Accuracy against budget.</summary>
internal static class AccuracyCharts
{
    private const int Height = 250;

    /// <summary>Gives one chart for each attack that was measured at two budgets or more.</summary>
    public static IReadOnlyList<ReportChart> Of(IReadOnlyList<ReportGroup> groups)
    {
        var charts = new List<ReportChart>();
        var subjects = groups.GroupBy(group => (group.Model, group.Data)).ToList();
        foreach (var subject in subjects)
        {
            ReportGroup[] clean = [.. subject.Where(group => group.IsClean)];
            string on = subjects.Count == 1 ? "" : $", {subject.Key.Model} on {subject.Key.Data}";
            charts.AddRange(
                subject
                    .Where(group => group.Epsilon is not null)
                    .GroupBy(group => (group.Attack, group.Norm, group.Seed))
                    .Where(attack => attack.Select(group => group.Epsilon).Distinct().Count() > 1)
                    .Select(attack => Chart([.. attack], clean, on))
            );
        }

        return charts;
    }

    private static ReportChart Chart(ReportGroup[] attack, ReportGroup[] clean, string on)
    {
        string title = ReportText.Name(attack[0].Attack);
        string description = $"Accuracy against budget under {title}{on}; the numbers are in the table of results.";
        double largest = attack.Max(group => group.Epsilon)!.Value;
        JsonObject x = VegaLite.Axis("x", "Budget, " + ReportText.Norm(attack[0].Norm ?? ""), largest);
        JsonObject y = VegaLite.Axis("y", "Accuracy", 1, inPercent: true);
        IReadOnlyList<ReportChart.Line> series = [.. Series(attack, clean)];
        return new(title + on, description, series, VegaLite.Lines(description, series, x, y, Height));
    }

    private static IEnumerable<ReportChart.Line> Series(ReportGroup[] attack, ReportGroup[] clean)
    {
        IEnumerable<ReportGroup> bare = attack.Where(group => group.Defense == clean[0].Defense).Prepend(clean[0]);
        List<ReportChart.Line?> series =
        [
            Line("no defense", ReportChart.NoDefense, false, bare, group => group.Undefended),
        ];
        for (int i = 0; i < clean.Length; i++)
        {
            // A static accuracy without its adaptive one is not drawn, because a curve would convince more than it
            // should.
            ReportGroup[] lines =
            [
                clean[i],
                .. attack.Where(group => group.Defense == clean[i].Defense && group.Adaptive is not null),
            ];
            if (lines.Length < 2)
                continue;
            string name = ReportText.Name(clean[i].Defense);
            string color = ReportChart.Color(i);
            series.Add(Line($"{name}, attacker does not know it", color, true, lines, group => group.Static));
            series.Add(Line($"{name}, attacker knows it", color, false, lines, group => group.Adaptive));
        }

        return series.OfType<ReportChart.Line>();
    }

    // Null where there are too few points for a line.
    private static ReportChart.Line? Line(
        string name,
        string color,
        bool dashed,
        IEnumerable<ReportGroup> groups,
        Func<ReportGroup, EvaluationRow?> pick
    )
    {
        (double, double)[] points =
        [
            .. groups
                .Where(group => pick(group) is not null)
                .Select(group => (group.Epsilon ?? 0, pick(group)!.RobustAccuracy)),
        ];
        return points.Length < 2 ? null : new(name, color, dashed, points);
    }
}
