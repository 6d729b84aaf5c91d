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
