using Parry.Evaluation;
using Parry.Reports;
using static Parry.Tests.Reports.SampleReport;

namespace Parry.Tests.Reports;

public sealed class MarkdownReportTests
{
    [Fact]
    public void Shows_static_and_adaptive_beside_each_other_with_their_counts() =>
        Assert.Contains(
            "| PGD | L∞ 0.1 | Defense-GAN | 1.5 % (3/200) | 61.0 % (122/200) | 12.0 % (24/200) |",
            Plain(Full()),
            StringComparison.Ordinal
        );

    [Fact]
    public void A_missing_adaptive_number_is_loud()
    {
        string text = Plain(
            Of(Row("pgd", 0.1, "none", Threat.None, 3), Row("pgd", 0.1, "defense-gan", Threat.GreyBox, 122))
        );
        Assert.Contains("| 61.0 % (122/200) | **NOT MEASURED** |", text, StringComparison.Ordinal);
        Assert.Contains(
            "Defense-GAN was not measured against an attacker who knows it (PGD)",
            text,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Accuracy_stands_beside_the_time_of_an_answer_where_there_is_a_defense()
    {
        string text = Plain(Full());
        Assert.Contains("| no defense | 0.250 | 92.5 % | – | 0.0 % (PGD, L∞ 0.2) |", text, StringComparison.Ordinal);
        Assert.Contains(
            "| Defense-GAN | 12.5 | 81.5 % | 51.5 % (PGD, L∞ 0.2) | 4.0 % (PGD, L∞ 0.2) |",
            text,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(
            "Accuracy against time",
            Plain(Full() with { Times = [Full().Times[0]] }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Areas_at_several_budgets_stand_side_by_side()
    {
        RocCurve weak = Roc(Threat.GreyBox, 0.7, 0.5);
        string text = Plain(
            Full() with
            {
                Rocs =
                [
                    weak,
                    weak with
                    {
                        Epsilon = 0.2,
                        Auc = 0.8,
                    },
                    Roc(Threat.WhiteBox, 0.55, 0.9),
                    weak with
                    {
                        Attack = "fgsm",
                    },
                ],
            }
        );
        Assert.Contains("| PGD | attacker | L∞ 0.1 | L∞ 0.2 |", text, StringComparison.Ordinal);
        Assert.Contains(
            "| Defense-GAN | attacker does not know the defense | 0.700 | 0.800 |",
            text,
            StringComparison.Ordinal
        );
        Assert.Contains("| Defense-GAN | attacker knows the defense | 0.550 | – |", text, StringComparison.Ordinal);
        Assert.Contains(
            "| Defense-GAN | FGSM, L∞ 0.1 | attacker does not know the defense | 0.700 |",
            text,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Names_cannot_break_the_table()
    {
        string text = Plain(Of(Row("pgd", 0.1, "a|b\n<script>", Threat.WhiteBox, 3)));
        Assert.Contains("| a\\|b &lt;script> |", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_line_of_a_table_has_the_same_number_of_cells()
    {
        foreach (EvaluationReport report in new[] { Full(), Of(Row("pgd", 0.1, "none", Threat.None, 3)) })
        {
            string[] lines = Plain(report).Split('\n');
            for (int i = 1; i < lines.Length; i++)
            {
                if (lines[i].StartsWith('|') && lines[i - 1].StartsWith('|'))
                    Assert.Equal(lines[i - 1].Count(c => c == '|'), lines[i].Count(c => c == '|'));
            }
        }
    }

    [Fact]
    public void Ends_with_the_command_that_repeats_it() =>
        Assert.Contains("```sh\n" + Full().Command + "\n```", MarkdownReport.Render(Full()), StringComparison.Ordinal);

    private static string Plain(EvaluationReport report) =>
        MarkdownReport.Render(report).Replace('\u202f', ' ').Replace('\u00a0', ' ');
}
