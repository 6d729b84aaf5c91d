using System.Text.Json.Nodes;

namespace Parry.Reports;

/// <summary>Parts of Vega-Lite specifications in the page's style.</summary>
internal static class VegaLite
{
    /// <summary>An axis of numbers.</summary>
    /// <param name="field">The field of the values.</param>
    /// <param name="title">The title.</param>
    /// <param name="max">The end of the axis, which begins at 0.</param>
    /// <param name="inPercent">Whether fractions are shown as percentages.</param>
    public static JsonObject Axis(string field, string title, double max, bool inPercent = false)
    {
        var axis = new JsonObject { ["tickCount"] = 5 };
        if (inPercent)
            axis["format"] = "%";
        return new JsonObject
        {
            ["type"] = "quantitative",
            ["title"] = title,
            ["scale"] = new JsonObject { ["domain"] = new JsonArray(0, max), ["nice"] = false },
            ["axis"] = axis,
            ["field"] = field,
        };
    }

    /// <summary>A property that a field of words decides, without a legend.</summary>
    /// <param name="field">The field of the values.</param>
    /// <param name="words">The words.</param>
    /// <param name="looks">What each of them looks like.</param>
    public static JsonObject Scale(string field, IEnumerable<string> words, IEnumerable<JsonNode> looks) =>
        new()
        {
            ["field"] = field,
            ["type"] = "nominal",
            ["legend"] = null,
            ["scale"] = new JsonObject
            {
                ["domain"] = new JsonArray([.. words.Select(word => (JsonNode)word)]),
                ["range"] = new JsonArray([.. looks]),
            },
        };

    /// <summary>A chart of lines, which have points unless the line of chance is drawn.</summary>
    /// <param name="description">What it shows.</param>
    /// <param name="series">The lines.</param>
    /// <param name="x">The axis across.</param>
    /// <param name="y">The axis up.</param>
    /// <param name="height">Its height in pixels.</param>
    /// <param name="withChance">Whether the diagonal is drawn, on which chance lies.</param>
    public static string Lines(
        string description,
        IReadOnlyList<ReportChart.Line> series,
        JsonObject x,
        JsonObject y,
        int height,
        bool withChance = false
    )
    {
        string[] names = [.. series.Select(line => line.Name)];
        var mark = new JsonObject
        {
            ["type"] = "line",
            ["strokeWidth"] = 2.25,
            ["clip"] = false,
        };
        if (!withChance)
            mark["point"] = new JsonObject { ["filled"] = true, ["size"] = 42 };
        var lines = new JsonObject
        {
            ["mark"] = mark,
            ["encoding"] = new JsonObject
            {
                ["x"] = x.DeepClone(),
                ["y"] = y.DeepClone(),
                ["order"] = new JsonObject { ["field"] = "i", ["type"] = "quantitative" },
                ["color"] = Scale("series", names, series.Select(line => (JsonNode)line.Color)),
                ["strokeDash"] = Scale("series", names, series.Select(Dashes)),
            },
        };
        return Spec(description, Values(series), height, withChance ? [Chance(x, y), lines] : [lines]);
    }

    /// <summary>The specification of layers over the same values.</summary>
    public static string Spec(string description, JsonArray values, int height, params JsonNode[] layers) =>
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

    private static JsonArray Dashes(ReportChart.Line line) => line.Dashed ? new(5, 4) : new(1, 0);

    private static JsonArray Values(IEnumerable<ReportChart.Line> series) =>
        new([
            .. series.SelectMany(line =>
                line.Points.Select(
                    (point, i) =>
                        new JsonObject
                        {
                            ["series"] = line.Name,
                            ["i"] = i,
                            ["x"] = point.X,
                            ["y"] = point.Y,
                        }
                )
            ),
        ]);

    private static JsonObject Chance(JsonObject x, JsonObject y)
    {
        var from = new JsonObject { ["x"] = 0, ["y"] = 0 };
        var to = new JsonObject { ["x"] = 1, ["y"] = 1 };
        return new JsonObject
        {
            ["data"] = new JsonObject { ["values"] = new JsonArray(from, to) },
            ["mark"] = new JsonObject
            {
                ["type"] = "line",
                ["strokeWidth"] = 1,
                ["color"] = "var(--rule)",
            },
            ["encoding"] = new JsonObject { ["x"] = x.DeepClone(), ["y"] = y.DeepClone() },
        };
    }
}
