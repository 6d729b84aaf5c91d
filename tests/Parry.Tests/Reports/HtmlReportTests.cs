using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Parry.Evaluation;
using Parry.Reports;
using Parry.Reports.Html;
using static Parry.Tests.Reports.SampleReport;

namespace Parry.Tests.Reports;

public sealed partial class HtmlReportTests
{
    private const string Bundle = "/* charts */";

    [Fact]
    public void Loads_nothing_from_anywhere()
    {
        string html = HtmlReport.Render(Full(), Bundle);
        Assert.Contains("default-src 'none'", html, StringComparison.Ordinal);
        Assert.DoesNotContain("http:", html, StringComparison.Ordinal);
        Assert.DoesNotContain("https:", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<link", html, StringComparison.Ordinal);
        Assert.DoesNotContain("url(", html, StringComparison.Ordinal);
        Assert.All(
            Sources().Matches(html),
            match => Assert.StartsWith("data:image/png;base64,", match.Groups[1].Value, StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Nothing_from_outside_becomes_markup()
    {
        const string Evil = "\"'><script>alert(1)</script>&amp;";
        EvaluationRow row = Row(Evil, 0.1, Evil, Threat.GreyBox, 3) with { Model = Evil, Data = Evil, Norm = Evil };
        GalleryPicture picture = new(Png, Evil, true);
        var report = Of(
            row,
            row with
            {
                Epsilon = 0.2,
            },
            row with
            {
                Threat = Threat.WhiteBox,
            },
            row with
            {
                Threat = Threat.WhiteBox,
                Epsilon = 0.2,
            }
        ) with
        {
            Title = Evil,
            Command = Evil,
            Notes = [Evil],
            Settings = new Dictionary<string, string> { [Evil] = Evil },
            Rocs = [Roc(Threat.GreyBox, 0.5, 1) with { Defense = Evil, Attack = Evil }],
            Gallery =
            [
                Gallery() with
                {
                    Attack = Evil,
                    Images =
                    [
                        new()
                        {
                            Label = Evil,
                            Clean = picture,
                            Adversarial = picture,
                            Perturbation = picture,
                            Purified = picture,
                        },
                    ],
                },
            ],
        };

        string html = HtmlReport.Render(report, Bundle);

        Assert.DoesNotContain("<script>alert", html, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("&lt;script&gt;alert(1)", html, StringComparison.Ordinal);
        Assert.Equal(Regex.Count(html, "<script"), Regex.Count(html, "</script>"));
    }

    [Fact]
    public void A_bundle_cannot_end_its_own_script_element()
    {
        string html = HtmlReport.Render(Of(), "var a = '</script><b>'; var c = '<!--';");
        Assert.Contains(@"var a = '<\/script><b>'; var c = '<\!--';", html, StringComparison.Ordinal);
        Assert.Equal(1, Regex.Count(html, "</script>"));
    }

    [Fact]
    public void Every_chart_names_a_specification_that_is_json()
    {
        string html = HtmlReport.Render(Full(), Bundle);
        string[] charts = [.. Charts().Matches(html).Select(match => match.Groups[1].Value)];
        Assert.Equal(["accuracy-1", "time", "roc-1"], charts);
        Assert.All(charts, id => Assert.NotNull(Spec(html, id)["layer"]));
    }

    [Fact]
    public void A_chart_of_accuracy_has_one_line_for_each_defense_and_threat_and_starts_clean()
    {
        JsonNode[] points = [.. Points(HtmlReport.Render(Full(), Bundle), "accuracy-1")];
        Assert.Equal(
            ["no defense", "Defense-GAN, attacker does not know it", "Defense-GAN, attacker knows it"],
            points.Select(point => (string)point["series"]!).Distinct()
        );
        Assert.Equal(
            [(0, 0.815), (0.05, 0.485), (0.1, 0.12), (0.2, 0.04)],
            points[8..].Select(point => ((double)point["x"]!, (double)point["y"]!))
        );
    }

    [Fact]
    public void A_chart_does_not_draw_a_static_line_without_its_adaptive_one()
    {
        string html = HtmlReport.Render(Of([.. Full().Rows.Where(row => row.Threat != Threat.WhiteBox)]), Bundle);
        Assert.All(Points(html, "accuracy-1"), point => Assert.Equal("no defense", (string)point["series"]!));
    }

    [Fact]
    public void A_known_break_that_was_not_run_is_named_as_such_and_has_no_seed()
    {
        EvaluationReport report = Full() with
        {
            KnownBreaksNotRun = new Dictionary<string, IReadOnlyList<string>> { ["defense-gan"] = ["its break"] },
        };
        string html = HtmlReport.Render(report, Bundle);
        Assert.Contains("<b>its break</b><small>known break</small>", html, StringComparison.Ordinal);
        Assert.Contains("NOT RUN", html, StringComparison.Ordinal);
        Assert.DoesNotContain(", seed", html, StringComparison.Ordinal);
    }

    [Fact]
    public void One_budget_makes_no_curve() =>
        Assert.DoesNotContain(
            "data-chart",
            HtmlReport.Render(Of(Row("pgd", 0.1, "none", Threat.None, 3)), Bundle),
            StringComparison.Ordinal
        );

    [Fact]
    public void A_legend_of_curves_gives_their_areas() =>
        Assert.Contains(
            "attacker knows it: AUC 0.641</li>",
            HtmlReport.Render(Full(), Bundle),
            StringComparison.Ordinal
        );

    [Fact]
    public void Accuracy_stands_against_time_with_a_point_for_each_attacker_and_none_without_a_defense()
    {
        JsonNode[] points = [.. Points(HtmlReport.Render(Full(), Bundle), "time")];
        Assert.Equal(
            ["no defense: 0.250 ms", "Defense-GAN: 12.5 ms"],
            points.Select(point => (string)point["series"]!).Distinct()
        );
        Assert.Equal(
            [
                ("clean images", 0.925),
                ("attacker aware", 0),
                ("clean images", 0.815),
                ("attacker unaware", 0.515),
                ("attacker aware", 0.04),
            ],
            points.Select(point => ((string)point["kind"]!, (double)point["y"]!))
        );
        Assert.Equal([0.25, 0.25, 12.5, 12.5, 12.5], points.Select(point => (double)point["x"]!));
        Assert.DoesNotContain(
            "Accuracy against time",
            HtmlReport.Render(Full() with { Times = [Full().Times[0]] }, Bundle),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Areas_at_several_budgets_make_a_chart_and_the_curves_of_the_largest_stay()
    {
        EvaluationReport report = Full();
        string html = HtmlReport.Render(
            report with
            {
                Rocs = [.. report.Rocs, .. report.Rocs.Select(roc => roc with { Epsilon = 0.2, Auc = roc.Auc + 0.05 })],
            },
            Bundle
        );
        Assert.Equal(
            [(0.1, 0.912), (0.2, 0.962), (0.1, 0.641), (0.2, 0.691)],
            Points(html, "auc-1").Select(point => ((double)point["x"]!, Math.Round((double)point["y"]!, 3)))
        );
        Assert.Equal(2, Points(html, "roc-1").Select(point => (string)point["series"]!).Distinct().Count());
        Assert.Contains("AUC 0.962</li>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_adaptive_number_is_loud_in_every_table()
    {
        string html = HtmlReport.Render(Of(Row("pgd", 0.1, "defense-gan", Threat.GreyBox, 122)), Bundle);
        Assert.Equal(2, Regex.Count(html, "NOT MEASURED"));
        Assert.DoesNotContain("NOT MEASURED", HtmlReport.Render(Full(), Bundle), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_picture_has_a_text_for_those_who_cannot_see_it()
    {
        string html = HtmlReport.Render(Full(), Bundle);
        Assert.Equal(4, Regex.Count(html, "<img "));
        Assert.Equal(4, Regex.Count(html, "<img [^>]*alt=\"[^\"]+\""));
    }

    [Fact]
    public void An_empty_report_still_makes_a_page() =>
        Assert.EndsWith("</html>\n", HtmlReport.Render(Of(), Bundle), StringComparison.Ordinal);

    private static JsonNode Spec(string html, string id) =>
        JsonNode.Parse(
            Regex
                .Match(html, $"<script type=\"application/json\" id=\"{id}\">(.*?)</script>", RegexOptions.Singleline)
                .Groups[1]
                .Value
        )!;

    private static IEnumerable<JsonNode> Points(string html, string id) =>
        Spec(html, id)["data"]!["values"]!.AsArray().Select(point => point!);

    [GeneratedRegex("src=\"([^\"]*)\"")]
    private static partial Regex Sources();

    [GeneratedRegex("data-chart=\"([^\"]*)\"")]
    private static partial Regex Charts();
}
