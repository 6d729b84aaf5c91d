using Parry.Reports;
using static Parry.Tests.Reports.SampleReport;

namespace Parry.Tests.Reports;

public sealed class MarkdownReportTests
{
    [Fact]
    public void Shows_static_and_adaptive_beside_each_other_with_their_counts() =>
        Assert.Contains("| PGD | L∞ 0.1 | Defense-GAN | 1.5 % (3/200) | 61.0 % (122/200) | 12.0 % (24/200) |", Plain(Full()), StringComparison.Ordinal);

    [Fact]
    public void A_missing_adaptive_number_is_loud()
    {
        string text = Plain(Of(Row("pgd", 0.1, "none", Threat.None, 3), Row("pgd", 0.1, "defense-gan", Threat.GreyBox, 122)));
        Assert.Contains("| 61.0 % (122/200) | **NOT MEASURED** |", text, StringComparison.Ordinal);
        Assert.Contains("Defense-GAN was not measured against an attacker who knows it (PGD)", text, StringComparison.Ordinal);
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
    public void Ends_with_the_command_that_repeats_it() => Assert.Contains("```sh\n" + Full().Command + "\n```", MarkdownReport.Render(Full()), StringComparison.Ordinal);

    private static string Plain(EvaluationReport report) => MarkdownReport.Render(report).Replace('\u202f', ' ').Replace('\u00a0', ' ');
}
