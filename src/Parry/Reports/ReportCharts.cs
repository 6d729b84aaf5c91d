using System.Text.Json.Nodes;
using Parry.Evaluation;

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
    /// <summary>One line: its name, a CSS color, whether it is dashed, and its points in order.</summary>
    internal sealed record Line(string Name, string Color, bool Dashed, IReadOnlyList<(double X, double Y)> Points);
}

/// <summary>
/// Turns rows and curves into Vega-Lite specifications. Colors are the page's CSS variables, so charts follow light,
/// dark and print.
/// </summary>
internal static class ReportCharts
{
    private const int Colors = 6;

    /// <summary>
    /// Gives one chart of accuracy against budget for each attack that was measured at two budgets or more.
    /// </summary>
    public static IReadOnlyList<ReportChart> Accuracy(IReadOnlyList<ReportGroup> groups)
    {
        var charts = new List<ReportChart>();
        foreach (var subject in groups.GroupBy(group => (group.Model, group.Data)))
        {
            ReportGroup[] clean = [.. subject.Where(group => group.IsClean)];
            foreach (
                var attack in subject
                    .Where(group => group.Epsilon is not null)
                    .GroupBy(group => (group.Attack, group.Norm, group.Seed))
            )
            {
                if (attack.Select(group => group.Epsilon).Distinct().Take(2).Count() < 2)
                    continue;

                var series = new List<ReportChart.Line>();
                series.AddRange(
                    Line(
                        "no defense",
                        "var(--none)",
                        false,
                        [clean[0], .. attack.Where(group => group.Defense == clean[0].Defense)],
                        group => group.Undefended
                    )
                );
                for (int i = 0; i < clean.Length; i++)
                {
                    // A static number without its adaptive twin is not drawn: a curve convinces more than it should.
                    ReportGroup[] lines =
                    [
                        clean[i],
                        .. attack.Where(group => group.Defense == clean[i].Defense && group.Adaptive is not null),
                    ];
                    string name = ReportText.Name(clean[i].Defense);
                    if (lines.Length < 2)
                        continue;
                    series.AddRange(
                        Line($"{name}, attacker does not know it", Color(i), true, lines, group => group.Static)
                    );
                    series.AddRange(
                        Line($"{name}, attacker knows it", Color(i), false, lines, group => group.Adaptive)
                    );
                }

                string title = ReportText.Name(attack.Key.Attack);
                string on =
                    clean.Length == groups.Count(group => group.IsClean)
                        ? ""
                        : $", {subject.Key.Model} on {subject.Key.Data}";
                string description =
                    $"Accuracy against budget under {title}{on}; the numbers are in the table of results.";
                JsonObject x = Quantitative(
                    "Budget, " + ReportText.Norm(attack.Key.Norm ?? ""),
                    attack.Max(group => group.Epsilon)!.Value
                );
                JsonObject y = Quantitative("Images still right", 1);
                y["axis"]!["format"] = "%";
                charts.Add(new(title + on, description, series, Spec(description, series, x, y, 250, chance: false)));
            }
        }

        return charts;
    }

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
                    .Rows.Where(row =>
                        row.Threat.IsAware()
                        || table.Rows.Any(other => other.Threat.IsAware() && other.Defense == row.Defense)
                    )
                    .Select(row => new ReportChart.Line(
                        $"{ReportText.Name(row.Defense)}, attacker "
                            + $"{(row.Threat.IsAware() ? "knows it" : "does not know it")}{(row.Threat == Threat.WhiteBoxRevisited ? ", and its seed" : "")}",
                        Color(Array.IndexOf(defenses, row.Defense)),
                        row.Threat.IsUnaware(),
                        [
                            .. table
                                .Budgets.Zip(row.Areas)
                                .Where(point => point.Second is not null)
                                .Select(point => (point.First, point.Second!.Value)),
                        ]
                    )),
            ];
            if (series.Count == 0)
                continue;
            string title = ReportText.Name(table.Attack),
                description =
                    $"Area under the ROC curve against budget under {title}; the numbers are in the table below.";
            JsonObject x = Quantitative("Budget, " + ReportText.Norm(table.Norm ?? ""), table.Budgets[^1]);
            yield return new(
                title,
                description,
                series,
                Spec(description, series, x, Quantitative("Area under the ROC curve", 1), 250, chance: false)
            );
        }
    }

    /// <summary>Gives one chart of ROC curves for each detector.</summary>
    public static IEnumerable<ReportChart> Roc(IReadOnlyList<RocCurve> rocs)
    {
        foreach (var detector in rocs.GroupBy(roc => roc.Defense))
        {
            // Curves of one attack share a color; dashes say what the attacker knew, as in the other charts.
            var attacks = detector.Select(Attack).Distinct().ToList();
            List<ReportChart.Line> series =
            [
                .. detector.Select(roc => new ReportChart.Line(
                    $"{ReportText.Attack(roc.Attack, roc.Norm, roc.Epsilon)}{(roc.Threat.IsAware() ? ", attacker knows it" : "")}{(roc.Threat == Threat.WhiteBoxRevisited ? ", and its seed" : "")}: AUC {ReportText.Area(roc.Auc)}",
                    Color(attacks.IndexOf(Attack(roc))),
                    roc.Threat.IsUnaware(),
                    [.. roc.Points.Select(point => (point.Fpr, point.Tpr))]
                )),
            ];
            JsonObject x = Quantitative("Clean images reported (false positive rate)", 1);
            JsonObject y = Quantitative("Attacked images reported (true positive rate)", 1);
            x["axis"]!["format"] = "%";
            y["axis"]!["format"] = "%";
            const string Description =
                "ROC curves: the part of attacked images that is reported against the part of clean images that is; "
                + "the areas under the curves are in the table.";
            yield return new(
                $"ROC of {ReportText.Name(detector.Key)}",
                Description,
                series,
                Spec(Description, series, x, y, 330, chance: true)
            );
        }

        static (string, string?, double?) Attack(RocCurve roc) => (roc.Attack, roc.Norm, roc.Epsilon);
    }

    private static IEnumerable<ReportChart.Line> Line(
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
        return points.Length < 2 ? [] : [new(name, color, dashed, points)];
    }

    internal static string Color(int i) => $"var(--s{(i % Colors) + 1})";

    internal static JsonObject Quantitative(string title, double max) =>
        new()
        {
            ["type"] = "quantitative",
            ["title"] = title,
            ["scale"] = new JsonObject { ["domain"] = new JsonArray(0, max), ["nice"] = false },
            ["axis"] = new JsonObject { ["tickCount"] = 5 },
        };

    private static string Spec(
        string description,
        List<ReportChart.Line> series,
        JsonObject x,
        JsonObject y,
        int height,
        bool chance
    )
    {
        var values = new JsonArray();
        foreach (ReportChart.Line line in series)
        {
            for (int i = 0; i < line.Points.Count; i++)
                values.Add(
                    (JsonNode)
                        new JsonObject
                        {
                            ["series"] = line.Name,
                            ["i"] = i,
                            ["x"] = line.Points[i].X,
                            ["y"] = line.Points[i].Y,
                        }
                );
        }

        x["field"] = "x";
        y["field"] = "y";
        JsonArray Each(Func<ReportChart.Line, JsonNode> pick) => [.. series.Select(pick)];
        JsonObject Scale(Func<ReportChart.Line, JsonNode> pick) =>
            new() { ["domain"] = Each(line => line.Name), ["range"] = Each(pick) };
        var lines = new JsonObject
        {
            ["mark"] = new JsonObject
            {
                ["type"] = "line",
                ["strokeWidth"] = 2.25,
                ["clip"] = false,
            },
            ["encoding"] = new JsonObject
            {
                ["x"] = x,
                ["y"] = y,
                ["order"] = new JsonObject { ["field"] = "i", ["type"] = "quantitative" },
                ["color"] = new JsonObject
                {
                    ["field"] = "series",
                    ["type"] = "nominal",
                    ["legend"] = null,
                    ["scale"] = Scale(line => line.Color),
                },
                ["strokeDash"] = new JsonObject
                {
                    ["field"] = "series",
                    ["type"] = "nominal",
                    ["legend"] = null,
                    ["scale"] = Scale(line => line.Dashed ? new JsonArray(5, 4) : new JsonArray(1, 0)),
                },
            },
        };
        var layers = new List<JsonNode>();
        if (chance)
        {
            layers.Add(
                new JsonObject
                {
                    ["data"] = new JsonObject
                    {
                        ["values"] = new JsonArray(
                            new JsonObject { ["x"] = 0, ["y"] = 0 },
                            new JsonObject { ["x"] = 1, ["y"] = 1 }
                        ),
                    },
                    ["mark"] = new JsonObject
                    {
                        ["type"] = "line",
                        ["strokeWidth"] = 1,
                        ["color"] = "var(--rule)",
                    },
                    ["encoding"] = new JsonObject { ["x"] = x.DeepClone(), ["y"] = y.DeepClone() },
                }
            );
        }
        else
        {
            lines["mark"]!["point"] = new JsonObject { ["filled"] = true, ["size"] = 42 };
        }

        layers.Add(lines);
        return Spec(description, values, height, [.. layers]);
    }

    /// <summary>The specification of layers over the same values, in the page's style.</summary>
    internal static string Spec(string description, JsonArray values, int height, params JsonNode[] layers) =>
        new JsonObject
        {
            ["description"] = description,
            ["width"] = "container",
            ["height"] = height,
            ["background"] = null,
            ["data"] = new JsonObject { ["values"] = values },
            ["layer"] = new JsonArray(layers),
            ["config"] = new JsonObject
            {
                ["font"] = "system-ui, sans-serif",
                ["view"] = new JsonObject { ["stroke"] = null },
                ["axis"] = new JsonObject
                {
                    ["domain"] = false,
                    ["ticks"] = false,
                    ["labelFontSize"] = 12,
                    ["titleFontSize"] = 12,
                    ["titleFontWeight"] = "normal",
                    ["labelPadding"] = 8,
                    ["titlePadding"] = 10,
                },
            },
        }.ToJsonString();
}
