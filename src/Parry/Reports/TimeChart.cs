using System.Text.Json.Nodes;

namespace Parry.Reports;

/// <summary>
/// Accuracy against the time of an answer, all defenses in one plot: a point for clean images, one for each kind of
/// attacker, joined by a line.
/// </summary>
internal static class TimeChart
{
    private static readonly string[] s_kinds = ["clean images", "attacker unaware", "attacker aware"];
    private static readonly string[] s_shapes = ["circle", "diamond", "triangle-down"];

    /// <summary>Gives the chart, or null without a defense.</summary>
    public static ReportChart? Of(IReadOnlyList<TimedDefense> defenses)
    {
        if (defenses.Count == 0)
            return null;
        List<ReportChart.Line> series = [];
        var values = new JsonArray();
        foreach (TimedDefense defense in defenses)
        {
            string name = $"{defense.Name}: {ReportText.Milliseconds(defense.Milliseconds)} ms",
                shade = defense.Static is null && defense.Name == "no defense"
                    ? "var(--none)"
                    : ReportCharts.Color(series.Count(line => line.Color != "var(--none)"));
            series.Add(new(name, shade, false, []));
            Point(name, defense, 0, defense.Clean, "");
            if (defense.Static is { } unaware)
                Point(
                    name,
                    defense,
                    1,
                    unaware.RobustAccuracy,
                    $" ({ReportText.Attack(unaware.Attack, unaware.Norm, unaware.Epsilon)})"
                );
            if (defense.Adaptive is { } aware)
                Point(
                    name,
                    defense,
                    2,
                    aware.RobustAccuracy,
                    $" ({ReportText.Attack(aware.Attack, aware.Norm, aware.Epsilon)})"
                );
        }

        const string Description =
            "Accuracy against milliseconds for an image, on a logarithmic scale; the numbers are in the table "
            + "beside it.";
        var (least, most) = (defenses[0].Milliseconds, defenses[^1].Milliseconds);
        JsonObject x = new()
        {
            ["field"] = "x",
            ["type"] = "quantitative",
            ["title"] = "Milliseconds for an image",
            ["scale"] = new JsonObject
            {
                ["type"] = "log",
                ["domain"] = new JsonArray(least / 2, most * 2),
                ["nice"] = false,
            },
            ["axis"] = new JsonObject
            {
                ["tickCount"] = 5,
                ["format"] = "~g",
                ["labelOverlap"] = "greedy",
            },
        };
        JsonObject y = ReportCharts.Quantitative("Images still right", 1);
        y["field"] = "y";
        y["axis"]!["format"] = "%";
        JsonObject color = new()
        {
            ["field"] = "series",
            ["type"] = "nominal",
            ["legend"] = null,
            ["scale"] = new JsonObject
            {
                ["domain"] = new JsonArray([.. series.Select(line => (JsonNode)line.Name)]),
                ["range"] = new JsonArray([.. series.Select(line => (JsonNode)line.Color)]),
            },
        };
        var join = new JsonObject
        {
            ["mark"] = new JsonObject
            {
                ["type"] = "line",
                ["strokeWidth"] = 1.5,
                ["opacity"] = 0.5,
            },
            ["encoding"] = new JsonObject
            {
                ["x"] = x,
                ["y"] = y,
                ["color"] = color,
            },
        };
        var points = new JsonObject
        {
            ["mark"] = new JsonObject
            {
                ["type"] = "point",
                ["filled"] = true,
                ["size"] = 110,
                ["opacity"] = 1,
            },
            ["encoding"] = new JsonObject
            {
                ["x"] = x.DeepClone(),
                ["y"] = y.DeepClone(),
                ["color"] = color.DeepClone(),
                ["shape"] = new JsonObject
                {
                    ["field"] = "kind",
                    ["type"] = "nominal",
                    ["legend"] = null,
                    ["scale"] = new JsonObject
                    {
                        ["domain"] = new JsonArray([.. s_kinds.Select(kind => (JsonNode)kind)]),
                        ["range"] = new JsonArray([.. s_shapes.Select(shape => (JsonNode)shape)]),
                    },
                },
                ["tooltip"] = new JsonObject { ["field"] = "text", ["type"] = "nominal" },
            },
        };
        return new(
            "Accuracy against time",
            Description,
            series,
            ReportCharts.Spec(Description, values, 300, join, points)
        );

        void Point(string name, TimedDefense defense, int kind, double accuracy, string attack) =>
            values.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["series"] = name,
                        ["kind"] = s_kinds[kind],
                        ["x"] = defense.Milliseconds,
                        ["y"] = accuracy,
                        ["text"] = $"{name}, {s_kinds[kind]}: {ReportText.Percent(accuracy)}{attack}",
                    }
            );
    }
}
