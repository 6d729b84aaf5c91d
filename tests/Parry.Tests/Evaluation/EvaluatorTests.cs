using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Defenses;
using Parry.Evaluation;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

/// <summary>What rows of an evaluation say, and how they fit together.</summary>
public class EvaluatorTests
{
    [Fact]
    public void A_purifier_that_does_nothing_gives_the_numbers_of_the_bare_classifier_to_both_attackers()
    {
        var findings = ToyEvaluation.OfNothing;
        foreach (
            EvaluationRow bare in findings.Rows.Where(row =>
                row.Threat == Threat.None && row.Attack != EvaluationRow.Nothing
            )
        )
        {
            foreach (Threat threat in new[] { Threat.GreyBox, Threat.WhiteBox })
            {
                EvaluationRow defended = findings.Rows.Single(row =>
                    (row.Attack, row.Epsilon, row.Threat) == (bare.Attack, bare.Epsilon, threat)
                );
                Assert.Equal(
                    (bare.RobustCorrect, bare.Attacked, bare.Succeeded),
                    (defended.RobustCorrect, defended.Attacked, defended.Succeeded)
                );
            }
        }

        Assert.Contains(findings.Rows, row => row.Threat == Threat.None && row.Succeeded > 0);
    }

    [Fact]
    public void Every_static_number_stands_beside_an_adaptive_one()
    {
        var findings = ToyEvaluation.OfNothing;
        var unaware = findings
            .Rows.Where(row => row.Threat == Threat.GreyBox)
            .Select(row => (row.Attack, row.Epsilon, row.Defense))
            .Order()
            .ToArray();
        var adaptive = findings
            .Rows.Where(row => row.Threat == Threat.WhiteBox)
            .Select(row => (row.Attack, row.Epsilon, row.Defense))
            .Order()
            .ToArray();
        Assert.NotEmpty(unaware);
        Assert.Equal(unaware, adaptive);
    }

    [Fact]
    public void An_attacker_who_knows_the_defense_never_does_worse_than_one_who_does_not()
    {
        // Rounding hides the classifier's gradient, so an attack through it is aimed at random.
        var findings = ToyEvaluation.Run(new Purifier("round", images => (1.0 - images.mul(0.6).add(0.2).round())));
        foreach (EvaluationRow unaware in findings.Rows.Where(row => row.Threat == Threat.GreyBox))
        {
            EvaluationRow adaptive = findings.Rows.Single(row =>
                row.Threat == Threat.WhiteBox
                && (row.Attack, row.Epsilon, row.Defense) == (unaware.Attack, unaware.Epsilon, unaware.Defense)
            );
            Assert.True(
                adaptive.RobustCorrect <= unaware.RobustCorrect,
                $"{adaptive.RobustCorrect} adaptive, {unaware.RobustCorrect} static"
            );
        }
    }

    [Fact]
    public void The_denominators_add_up()
    {
        foreach (EvaluationRow row in ToyEvaluation.OfNothing.Rows.Where(row => row.Attack != EvaluationRow.Nothing))
        {
            Assert.Equal(row.CleanCorrect, row.Attacked);
            Assert.Equal(row.CleanCorrect - row.Succeeded, row.RobustCorrect);
            Assert.Equal(40, row.Count);
        }
    }

    [Fact]
    public void A_purifier_that_wipes_every_image_leaves_one_answer_that_no_attack_changes()
    {
        var findings = ToyEvaluation.Run(new Purifier("wipe", images => images.mul(0.0)));
        EvaluationRow clean = findings.Rows.Single(row => row is { Defense: "wipe", Attack: EvaluationRow.Nothing });
        Assert.InRange(clean.CleanCorrect, 1, 30);
        Assert.All(
            findings.Rows.Where(row => row.Defense == "wipe" && row.Attack != EvaluationRow.Nothing),
            row => Assert.Equal(clean.CleanCorrect, row.RobustCorrect)
        );
    }

    [Fact]
    public void The_worst_case_counts_the_cost_of_an_attack_without_a_budget_once()
    {
        EvaluationFindings findings = ToyEvaluation.Run(
            new DefenseSpec { Name = "nothing", Purifier = Purifier.Nothing },
            more: new PlannedAttack("smallest", new SmallestChange(), [0.02, 0.1])
        );
        EvaluationRow[] rows = [.. findings.Rows.Where(row => row is { Defense: EvaluationRow.Nothing, Epsilon: 0.1 })];
        EvaluationRow worst = rows.Single(row => row.Attack == "worst case");
        EvaluationRow smallest = rows.Single(row => row.Attack == "smallest");
        IEnumerable<EvaluationRow> within = findings.Rows.Where(row =>
            row is { Defense: EvaluationRow.Nothing, Attack: "fgsm" or "half" } && row.Gradients > 0
        );
        Assert.True(smallest.Gradients > 0);
        Assert.True(worst.Gradients <= smallest.Gradients + within.Sum(row => row.Gradients) + 1e-9);
    }

    /// <summary>FGSM with a budget of its own that nobody asks for.</summary>
    private sealed record SmallestChange : IAttack<IClassifier>
    {
        public string Name => "smallest";

        public Norm Norm => Norm.Linf;

        public Tensor Perturb(IClassifier model, Batch batch) =>
            new FastGradientSign { Epsilon = 0.1 }.PerturbWithin(model, batch, [0.1])[0];
    }

    [Fact]
    public void The_worst_case_counts_an_image_as_robust_only_if_every_attack_failed_on_it()
    {
        var findings = ToyEvaluation.OfNothing;
        foreach (EvaluationRow worst in findings.Rows.Where(row => row.Attack == "worst case"))
        {
            var others = findings
                .Rows.Where(row =>
                    row.Attack != "worst case"
                    && (row.Norm, row.Epsilon, row.Defense, row.Threat)
                        == (worst.Norm, worst.Epsilon, worst.Defense, worst.Threat)
                )
                .ToArray();
            Assert.Equal(2, others.Length);
            Assert.True(worst.RobustCorrect <= others.Min(row => row.RobustCorrect));
        }

        Assert.Contains(findings.Rows, row => row.Attack == "worst case");
    }

    [Fact]
    public void A_detector_that_scores_only_changed_images_has_area_one()
    {
        var findings = ToyEvaluation.Run(new Purifier("round", images => images.round()));
        Assert.All(findings.Rocs.Where(roc => roc.Threat == Threat.GreyBox), roc => Assert.Equal(1, roc.Auc));
        Assert.NotEmpty(findings.Rocs);
    }

    [Fact]
    public void The_same_seed_gives_the_same_rows()
    {
        static IEnumerable<EvaluationRow> Timeless(EvaluationFindings findings) =>
            findings.Rows.Select(row => row with { Seconds = 0 });
        Assert.Equal(Timeless(ToyEvaluation.OfNothing), Timeless(ToyEvaluation.Run(Purifier.Nothing)));
    }
}
