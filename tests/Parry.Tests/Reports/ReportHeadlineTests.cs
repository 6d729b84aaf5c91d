using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Parry.Evaluation;
using Parry.Reports;
using static Parry.Tests.Reports.SampleReport;

namespace Parry.Tests.Reports;

public sealed class ReportHeadlineTests
{
    [Fact]
    public void Tell_clean_accuracy_the_strongest_attack_and_what_the_defense_is_worth()
    {
        ReportHeadline[] headlines = [.. ReportHeadline.From(Full())];

        Assert.Equal(
            ["92.5 %", "0 of 200", "51.5 % → 4 %"],
            headlines.Select(headline => headline.Value.Replace('\u202f', ' '))
        );
        Assert.Equal(
            "with Defense-GAN: 51.5 % against an attacker who does not know it, 4 % against one who does",
            headlines[2].Text.Replace('\u202f', ' ')
        );
        Assert.Contains("103 and 8 of 200", headlines[2].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_defense_without_an_adaptive_number_gets_no_headline() =>
        Assert.DoesNotContain(
            ReportHeadline.From(
                Of(Row("pgd", 0.1, "none", Threat.None, 3), Row("pgd", 0.1, "defense-gan", Threat.GreyBox, 122))
            ),
            headline => headline.Text.Contains("Defense-GAN", StringComparison.Ordinal)
        );

    [Fact]
    public void When_the_adaptive_attack_is_the_weaker_one_the_static_number_counts()
    {
        ReportHeadline headline = ReportHeadline.From(
            Of(Row("pgd", 0.1, "defense-gan", Threat.GreyBox, 60), Row("pgd", 0.1, "defense-gan", Threat.WhiteBox, 122))
        )[^1];
        Assert.Equal("30\u202f%", headline.Value);
        Assert.Contains("the lower number counts", headline.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Attacks_with_a_budget_speak_before_those_without() =>
        Assert.Contains(
            "PGD",
            ReportHeadline
                .From(Of(Row("cw-l2", null, "none", Threat.None, 0), Row("pgd", 0.1, "none", Threat.None, 3)))[1]
                .Text,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_known_break_without_a_budget_counts()
    {
        EvaluationRow broken = Row("cw-l2", null, "magnet", Threat.WhiteBox, 0) with { IsKnownBreak = true };
        ReportHeadline headline = ReportHeadline.From(
            Of(Row("pgd", 0.1, "magnet", Threat.GreyBox, 180), Row("pgd", 0.1, "magnet", Threat.WhiteBox, 180), broken)
        )[^1];
        Assert.Equal("90\u202f% → 0\u202f%", headline.Value);
    }

    [Fact]
    public void Known_breaks_that_were_not_run_make_the_number_an_upper_bound()
    {
        EvaluationReport report = Of(Row("pgd", 0.1, "magnet", Threat.WhiteBox, 110)) with
        {
            KnownBreaksNotRun = new Dictionary<string, IReadOnlyList<string>> { ["magnet"] = ["its break"] },
        };
        ReportHeadline headline = ReportHeadline.From(report)[^1];
        Assert.Equal("at most 55\u202f%", headline.Value);
        Assert.Contains("known breaks not run: its break", headline.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void No_claim_is_above_the_smallest_number_that_an_attacker_who_knows_the_defense_left()
    {
        Gen<EvaluationRow> rows =
            from attack in Gen.Elements("fgsm", "pgd", "cw-l2")
            from epsilon in Gen.Elements<double?>(0.05, 0.1, 0.2, null)
            from defense in Gen.Elements("none", "magnet", "puvae")
            from unaware in Gen.Elements(true, false)
            from known in Gen.Elements(true, false)
            from right in Gen.Choose(0, 160)
            let threat = defense == "none" ? Threat.None
            : unaware ? Threat.GreyBox
            : Threat.WhiteBox
            select Row(attack, epsilon, defense, threat, right) with
            {
                IsKnownBreak = known && threat == Threat.WhiteBox,
            };
        Property.ForAll(
            Gen.ListOf(rows, 12),
            500,
            made =>
            {
                EvaluationReport report = Of([.. made]);
                foreach (string defense in (string[])["magnet", "puvae"])
                {
                    EvaluationRow[] aware = [.. made.Where(row => row.Defense == defense && row.Threat.IsAware())];
                    EvaluationRow[] counting = [.. aware.Where(row => row.Epsilon is not null || row.IsKnownBreak)];
                    string name = ReportText.Name(defense);
                    double most = counting.Select(row => row.RobustAccuracy).DefaultIfEmpty(1).Min();
                    foreach (ReportHeadline headline in ReportHeadline.From(report).Where(Speaks))
                        Assert.True(Claimed(headline) <= most + 5e-4, $"{headline} for {most}");
                    foreach (ReportChart.Line line in AccuracyCharts.Of(report).SelectMany(chart => chart.Series))
                        if (line.Name.StartsWith(name, StringComparison.Ordinal) && !line.Dashed)
                            Assert.Equal(line.Points, line.Points.OrderByDescending(point => point.Y));

                    bool Speaks(ReportHeadline headline) => headline.Text.Contains(name, StringComparison.Ordinal);
                }
            }
        );
    }

    private static double Claimed(ReportHeadline headline) =>
        double.Parse(headline.Value.Split('→')[^1].Trim().TrimEnd('%', '\u202f'), CultureInfo.InvariantCulture) / 100;

    [Fact]
    public void No_more_than_six_are_given()
    {
        EvaluationRow row = Row("pgd", 0.1, "a", Threat.WhiteBox, 3);
        Assert.Equal(
            6,
            ReportHeadline
                .From(
                    Of([
                        Row("pgd", 0.1, "none", Threat.None, 3),
                        .. "abcde".Select(letter => row with { Defense = $"{letter}" }),
                    ])
                )
                .Count
        );
    }

    [Fact]
    public void An_empty_report_has_none() => Assert.Empty(ReportHeadline.From(Of()));
}
