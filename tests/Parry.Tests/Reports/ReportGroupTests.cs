using Parry.Evaluation;
using Parry.Reports;
using static Parry.Tests.Reports.SampleReport;

namespace Parry.Tests.Reports;

public sealed class ReportGroupTests
{
    [Fact]
    public void Puts_undefended_static_and_adaptive_on_one_line()
    {
        EvaluationRow bare = Row("pgd", 0.1, "none", Threat.None, 3);
        EvaluationRow unaware = Row("pgd", 0.1, "defense-gan", Threat.GreyBox, 122);
        EvaluationRow aware = Row("pgd", 0.1, "defense-gan", Threat.WhiteBox, 24);

        ReportGroup line = ReportGroup.From([aware, unaware, bare]).Single(group => !group.IsClean);

        Assert.Same(bare, line.Undefended);
        Assert.Same(unaware, line.Static);
        Assert.Same(aware, line.Adaptive);
        Assert.False(line.LacksAdaptive);
    }

    [Fact]
    public void A_static_number_alone_lacks_its_adaptive_one() =>
        Assert.True(
            ReportGroup
                .From([Row("pgd", 0.1, "defense-gan", Threat.GreyBox, 122)])
                .Single(group => !group.IsClean)
                .LacksAdaptive
        );

    [Fact]
    public void Begins_with_clean_images_even_when_no_row_was_measured_for_them()
    {
        ReportGroup clean = ReportGroup.From([
            Row("pgd", 0.1, "none", Threat.None, 3),
            Row("pgd", 0.1, "defense-gan", Threat.WhiteBox, 24, clean: 163),
        ])[0];

        Assert.True(clean.IsClean);
        Assert.Equal(185, clean.Undefended!.RobustCorrect);
        Assert.Equal(163, clean.Adaptive!.RobustCorrect);
        Assert.Same(clean.Static, clean.Adaptive);
    }

    [Fact]
    public void Keeps_budgets_models_and_seeds_apart()
    {
        EvaluationRow row = Row("pgd", 0.1, "none", Threat.None, 3);
        var groups = ReportGroup.From([
            row,
            row with
            {
                Epsilon = 0.2,
            },
            row with
            {
                Seed = 8,
            },
            row with
            {
                Model = "other",
            },
        ]);
        Assert.Equal(4, groups.Count(group => !group.IsClean));
        Assert.Equal(2, groups.Count(group => group.IsClean));
    }

    [Fact]
    public void Crosses_every_attack_with_every_defense()
    {
        var groups = ReportGroup.From([
            Row("fgsm", 0.1, "defense-gan", Threat.WhiteBox, 84),
            Row("pgd", 0.1, "magnet", Threat.WhiteBox, 9),
        ]);
        Assert.Equal(
            ["fgsm/defense-gan", "fgsm/magnet", "pgd/defense-gan", "pgd/magnet"],
            groups.Where(group => !group.IsClean).Select(group => $"{group.Attack}/{group.Defense}")
        );
        Assert.Null(groups.Single(group => group is { Attack: "fgsm", Defense: "magnet" }).Adaptive);
    }

    [Fact]
    public void Takes_the_lower_of_two_rows_for_one_cell() =>
        Assert.Equal(
            3,
            ReportGroup
                .From([Row("pgd", 0.1, "none", Threat.None, 9), Row("pgd", 0.1, "none", Threat.None, 3)])[1]
                .Undefended!.RobustCorrect
        );

    [Fact]
    public void No_rows_make_no_lines() => Assert.Empty(ReportGroup.From([]));
}
