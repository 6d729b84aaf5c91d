using System.Text.Json.Nodes;
using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>
/// Accuracy against the time of an answer, with all defenses in one plot: for each a point for clean images and one for
/// each kind of attacker, joined by a line.
/// </summary>
internal static class TimeChart
{
    private const int Height = 300;

    private static readonly string[] s_kinds = ["clean images", "attacker unaware", "attacker aware"];
    private static readonly string[] s_shapes = ["circle", "diamond", "triangle-down"];

    /// <summary>Gives the chart, or null without a defense.</summary>
    public static ReportChart? Of(IReadOnlyList<TimedDefense> defenses)
    {
        if (defenses.Count == 0)
            return null;
        List<ReportChart.Line> series = [];
        List<JsonNode> values = [];
        foreach (TimedDefense defense in defenses)
        {
            string bound = defense.IsUpperBound ? ", known breaks not run" : "";
            string name = $"{defense.Name}: {ReportText.Milliseconds(defense.Milliseconds)} ms{bound}";
            string color = defense.IsBare
                ? ReportChart.NoDefense
                : ReportChart.Color(series.Count(line => line.Color != ReportChart.NoDefense));
            series.Add(new(name, color, false, []));
            values.AddRange(Points(name, defense));
        }

        const string Description =
            "Accuracy against milliseconds per image, on a logarithmic scale; the numbers are in the table below it.";
        JsonObject x = Milliseconds(defenses[0].Milliseconds, defenses[^1].Milliseconds);
        JsonObject y = VegaLite.Axis("y", "Accuracy", 1, inPercent: true);
        JsonObject colors = VegaLite.Scale(
            "series",
            series.Select(line => line.Name),
            series.Select(line => (JsonNode)line.Color)
        );
        var encoding = new JsonObject
        {
            ["x"] = x,
            ["y"] = y,
            ["color"] = colors,
        };
        return new(
            "Accuracy against time",
            Description,
            series,
            VegaLite.Spec(Description, new([.. values]), Height, Joins(encoding), Marks(encoding))
        );
    }

    private static IEnumerable<JsonNode> Points(string name, TimedDefense defense)
    {
        yield return Point(0, defense.Clean, "");
        if (defense.Static is { } unaware)
            yield return Point(1, unaware.RobustAccuracy, Attack(unaware));
        if (defense.Adaptive is { } aware)
            yield return Point(2, aware.RobustAccuracy, Attack(aware));

        JsonObject Point(int kind, double accuracy, string attack) =>
            new()
            {
                ["series"] = name,
                ["kind"] = s_kinds[kind],
                ["x"] = defense.Milliseconds,
                ["y"] = accuracy,
                ["text"] = $"{name}, {s_kinds[kind]}: {ReportText.Percent(accuracy)}{attack}",
            };
    }

    private static string Attack(EvaluationRow row) => $" ({ReportText.Attack(row.Attack, row.Norm, row.Epsilon)})";

    private static JsonObject Milliseconds(double least, double most) =>
        new()
        {
            ["field"] = "x",
            ["type"] = "quantitative",
            ["title"] = "Milliseconds per image",
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

    private static JsonObject Joins(JsonObject encoding) =>
        new()
        {
            ["mark"] = new JsonObject
            {
                ["type"] = "line",
                ["strokeWidth"] = 1.5,
                ["opacity"] = 0.5,
            },
            ["encoding"] = encoding.DeepClone(),
        };

    private static JsonObject Marks(JsonObject encoding)
    {
        JsonNode marked = encoding.DeepClone();
        marked["shape"] = VegaLite.Scale("kind", s_kinds, s_shapes.Select(shape => (JsonNode)shape));
        marked["tooltip"] = new JsonObject { ["field"] = "text", ["type"] = "nominal" };
        return new JsonObject
        {
            ["mark"] = new JsonObject
            {
                ["type"] = "point",
                ["filled"] = true,
                ["size"] = 110,
                ["opacity"] = 1,
            },
            ["encoding"] = marked,
        };
    }
}
