using Parry.Evaluation;

namespace Parry.Reports.Html;

/// <summary>What an answer costs, and the accuracy that is left.</summary>
internal static class HtmlTimes
{
    /// <summary>Adds chart and table; nothing without a defense.</summary>
    public static void Add(HtmlBuilder html, IReadOnlyList<TimedDefense> defenses)
    {
        if (TimeChart.Of(defenses) is not { } chart)
            return;

        html.Line($"<h2>Accuracy against time</h2>");
        html.Add($"""<p class="lead">What an answer costs, and the accuracy under the strongest attack. """);
        html.Add($"{ReportGlossary.Time} A circle marks clean images, a diamond an attacker who does not know the ");
        html.Line($"defense, and a triangle one who does.</p>");
        html.Line($"""<div class="charts">""");
        HtmlChart.Add(html, chart, "time");
        html.Line($"</div>");
        html.BeginTable();
        html.Head("Defense", "ms per image", "Clean", "Attacker unaware", "Attacker aware");
        foreach (TimedDefense defense in defenses)
        {
            html.Add($"<tr>");
            html.Row(defense.Name);
            html.Number(ReportText.Milliseconds(defense.Milliseconds));
            html.Number(ReportText.Percent(defense.Clean));
            Worst(html, defense.Static, "");
            Worst(html, defense.Adaptive, defense.IsUpperBound ? "at most " : "");
            html.Line($"</tr>");
        }

        html.EndTable();
    }

    private static void Worst(HtmlBuilder html, EvaluationRow? row, string prefix)
    {
        if (row is null)
            html.Number("–");
        else
            html.Number(
                prefix + ReportText.Percent(row.RobustAccuracy),
                ReportText.Attack(row.Attack, row.Norm, row.Epsilon)
            );
    }
}
