using Parry.Attacks;
using Parry.Attacks.ScoreBased;
using Parry.Attacks.WhiteBox;
using Parry.Defenses;
using Parry.Evaluation;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

/// <summary>Detectors, known breaks, substitutes and random defenses in an evaluation.</summary>
public class EvaluatorDefenseTests
{
    [Fact]
    public void An_image_that_is_refused_counts_as_wrong_when_clean_and_as_right_when_attacked()
    {
        EvaluationFindings all = ToyEvaluation.Run(new DefenseSpec { Name = "wary", Detectors = [new Wary(-1)] });
        Assert.All(
            all.Rows.Where(row => row.Defense == "wary" && row.Attack != "worst case"),
            row => Assert.Equal((0, 0, 40), (row.CleanCorrect, row.RobustCorrect, row.Refused))
        );

        // Clean images are black and white, attacked ones are not.
        EvaluationFindings attacked = ToyEvaluation.Run(
            new DefenseSpec { Name = "wary", Detectors = [new Wary(1e-6)] }
        );
        Assert.Equal(0, attacked.Rows.Single(row => row is { Defense: "wary", Attack: EvaluationRow.Nothing }).Refused);
        Assert.All(
            attacked.Rows.Where(row => row is { Defense: "wary", Attack: "fgsm" }),
            row => Assert.Equal(row.CleanCorrect, row.RobustCorrect)
        );
        Assert.All(attacked.Rows.Where(row => row.Defense == EvaluationRow.Nothing), row => Assert.Null(row.Refused));
        Assert.All(attacked.Rocs, roc => Assert.Equal(1, roc.Auc));
    }

    [Fact]
    public void An_attacker_who_knows_a_detector_finds_what_is_misclassified_and_accepted()
    {
        var pgd = new PlannedAttack("pgd", new ProjectedGradientDescent { Steps = 40 }, [0.4]);
        EvaluationFindings findings = ToyEvaluation.Run(
            new DefenseSpec { Name = "half", Detectors = [new LeftHalf()] },
            more: pgd
        );
        EvaluationRow[] rows = [.. findings.Rows.Where(row => row is { Attack: "pgd", Defense: "half" })];
        EvaluationRow unaware = rows.Single(row => row.Threat == Threat.GreyBox);
        EvaluationRow aware = rows.Single(row => row.Threat == Threat.WhiteBox);
        Assert.Equal(unaware.CleanCorrect, unaware.RobustCorrect);
        Assert.True(aware.RobustCorrect < unaware.RobustCorrect / 2, $"{aware.RobustCorrect} are left");
    }

    [Fact]
    public void An_attack_that_cannot_follow_a_detector_does_not_stand_under_attackers_who_know_it()
    {
        EvaluationFindings findings = ToyEvaluation.Run(
            new DefenseSpec { Name = "opaque", Detectors = [new Opaque()] },
            more: new PlannedAttack("square", new SquareAttack { Queries = 50 }, [0.1])
        );
        EvaluationRow[] aware = [.. findings.Rows.Where(row => row.Threat == Threat.WhiteBox)];
        Assert.Contains(aware, row => row.Attack == "square");
        Assert.DoesNotContain(aware, row => row.Attack == "fgsm");
        Assert.Contains(findings.Notes, note => note.Contains("no gradients to follow", StringComparison.Ordinal));
    }

    [Fact]
    public void A_break_in_another_norm_counts_in_the_worst_case_where_its_perturbations_are_small_enough()
    {
        EvaluationFindings findings = ToyEvaluation.Run(
            new DefenseSpec
            {
                Name = "nothing",
                Purifier = Purifier.Nothing,
                Breaks = [new KnownBreak("l2", (_, _) => new CarliniWagnerL2 { Iterations = 100, SearchSteps = 3 })],
            },
            more: new PlannedAttack(
                "pgd",
                new ProjectedGradientDescent
                {
                    Steps = 1,
                    Step = 1e-6,
                    RandomStart = false,
                },
                [0.9]
            )
        );
        EvaluationRow worst = findings.Rows.Single(row =>
            row is { Attack: "worst case", Defense: "nothing", Threat: Threat.WhiteBox, Epsilon: 0.9 }
        );
        EvaluationRow known = findings.Rows.Single(row => row.Attack == "l2");
        Assert.True(known.IsKnownBreak);
        Assert.True(worst.RobustCorrect <= known.RobustCorrect);
    }

    [Fact]
    public void A_defense_that_costs_much_clean_accuracy_says_so_beside_its_number()
    {
        EvaluationFindings findings = ToyEvaluation.Run(new Purifier("dark", images => images.mul(0.0)));
        Assert.Contains("points of clean accuracy", Assert.Single(findings.Caveats["dark"]), StringComparison.Ordinal);
        Assert.Empty(ToyEvaluation.OfNothing.Caveats["nothing"]);
    }

    [Fact]
    public void A_weaker_copy_in_the_attackers_hands_stands_beside_the_number()
    {
        EvaluationFindings findings = ToyEvaluation.Run(
            new DefenseSpec
            {
                Name = "nothing",
                Purifier = Purifier.Nothing,
                WeakerCopy = "2 of 10 starts",
            }
        );
        Assert.Contains("2 of 10 starts", Assert.Single(findings.Caveats["nothing"]), StringComparison.Ordinal);
    }

    [Fact]
    public void An_attack_known_to_break_a_defense_runs_whenever_it_appears_and_counts_in_the_worst_case()
    {
        var nothing = Purifier.Nothing;
        EvaluationFindings findings = ToyEvaluation.Run(
            new DefenseSpec
            {
                Name = "nothing",
                Purifier = nothing,
                Breaks =
                [
                    new KnownBreak(
                        "its break",
                        (_, behind) =>
                        {
                            Assert.IsType<LinearClassifier>(behind);
                            return new FastGradientSign();
                        }
                    ),
                ],
            }
        );
        EvaluationRow[] rows = [.. findings.Rows.Where(row => row.Attack == "its break")];
        Assert.Equal([0.02, 0.1], rows.Select(row => row.Epsilon));
        Assert.All(rows, row => Assert.Equal((Threat.WhiteBox, "nothing"), (row.Threat, row.Defense)));
        Assert.All(
            rows,
            row =>
                Assert.True(
                    findings
                        .Rows.Single(worst =>
                            worst.Attack == "worst case" && (worst.Epsilon, worst.Threat) == (row.Epsilon, row.Threat)
                        )
                        .RobustCorrect <= row.RobustCorrect
                )
        );
    }

    [Fact]
    public void An_evaluation_without_known_breaks_says_so()
    {
        var defense = new DefenseSpec
        {
            Name = "nothing",
            Purifier = Purifier.Nothing,
            Breaks = [new KnownBreak("its break", (_, _) => new FastGradientSign())],
        };
        EvaluationFindings findings = ToyEvaluation.Run(defense, knownBreaks: false);
        Assert.DoesNotContain(findings.Rows, row => row.Attack == "its break");
        Assert.Contains(
            "The attacks known to break nothing were not run: its break. Its numbers are upper bounds.",
            findings.Notes
        );
        Assert.Equal(["its break"], findings.KnownBreaksNotRun["nothing"]);
    }

    [Fact]
    public void A_classifier_in_the_evaluated_ones_place_answers_and_the_attacker_may_differentiate_another()
    {
        EvaluationFindings hidden = ToyEvaluation.Run(new DefenseSpec { Name = "hidden", Classifier = new Flat() });
        EvaluationRow[] rows =
        [
            .. hidden.Rows.Where(row => row is { Defense: "hidden", Attack: "fgsm", Threat: Threat.WhiteBox }),
        ];
        Assert.All(
            rows,
            row =>
                Assert.Equal(
                    row.RobustCorrect,
                    hidden
                        .Rows.Single(other =>
                            (other.Attack, other.Epsilon, other.Defense, other.Threat)
                            == ("fgsm", row.Epsilon, "hidden", Threat.GreyBox)
                        )
                        .RobustCorrect
                )
        );
        EvaluationFindings seen = ToyEvaluation.Run(
            new DefenseSpec
            {
                Name = "hidden",
                Classifier = new Flat(),
                AttackersClassifier = new LinearClassifier(ToyEvaluation.Shape),
            }
        );
        Assert.All(
            seen.Rows.Where(row => row is { Defense: "hidden", Attack: "fgsm", Threat: Threat.WhiteBox }),
            row =>
                Assert.Equal(
                    row.RobustCorrect,
                    seen.Rows.Single(bare =>
                        (bare.Attack, bare.Epsilon, bare.Defense) == ("fgsm", row.Epsilon, EvaluationRow.Nothing)
                    ).RobustCorrect
                )
        );
    }

    [Fact]
    public void Knowing_the_random_seed_never_does_worse_and_is_measured_only_where_there_is_one()
    {
        DefenseSpec Random(bool random) =>
            new()
            {
                Name = "noise",
                Purifier = new Purifier("noise", images => images.clone()) { IsRandom = random },
            };
        EvaluationRow[] rows =
        [
            .. ToyEvaluation.Run(Random(true), revisited: true).Rows.Where(row => row.Defense == "noise"),
        ];
        foreach (EvaluationRow row in rows.Where(row => row.Threat == Threat.WhiteBoxRevisited))
            Assert.True(
                row.RobustCorrect
                    <= rows.Single(other =>
                        other.Threat == Threat.WhiteBox && (other.Attack, other.Epsilon) == (row.Attack, row.Epsilon)
                    ).RobustCorrect
            );
        Assert.Equal(
            rows.Count(row => row.Threat == Threat.WhiteBox),
            rows.Count(row => row.Threat == Threat.WhiteBoxRevisited)
        );
        Assert.DoesNotContain(
            ToyEvaluation.Run(Random(false), revisited: true).Rows,
            row => row.Threat == Threat.WhiteBoxRevisited
        );
    }

    [Fact]
    public void Images_from_a_substitute_are_a_black_box_attack()
    {
        EvaluationFindings findings = ToyEvaluation.Run(
            Purifier.Nothing,
            new PlannedAttack(
                "from elsewhere",
                new FastGradientSign(),
                [0.1],
                new LinearClassifier(ToyEvaluation.Shape)
            )
        );
        Assert.Contains(findings.Rows, row => row is { Attack: "from elsewhere", Threat: Threat.BlackBox });
        Assert.DoesNotContain(findings.Rows, row => row is { Attack: "from elsewhere", Threat: Threat.GreyBox });
    }

    /// <summary>A detector of images that are not black and white.</summary>
    private sealed record Wary(double Threshold) : IDetector
    {
        public string Name => "wary";

        public Tensor Scores(Tensor images, SampleRandom random) => images.sub(images.round()).abs().mean([1, 2, 3]);
    }

    /// <summary>A detector of images whose left half is not black and white.</summary>
    private sealed record LeftHalf : IDetector
    {
        public string Name => "left half";

        public double Threshold => 0.05;

        public Tensor Scores(Tensor images, SampleRandom random)
        {
            Tensor left = images.slice(3, 0, 2, 1);
            return left.sub(left.detach().round()).abs().mean([1, 2, 3]);
        }
    }

    /// <summary>A detector without gradients that refuses dark images.</summary>
    private sealed record Opaque : IDetector
    {
        public string Name => "opaque";

        public double Threshold => 0.9;

        public Tensor Scores(Tensor images, SampleRandom random) => 1 - images.detach().mean([1, 2, 3]);
    }

    /// <summary>The linear classifier without its gradients.</summary>
    private sealed class Flat : IClassifier
    {
        private readonly LinearClassifier _linear = new(ToyEvaluation.Shape);

        public ImageShape Shape => ToyEvaluation.Shape;

        public int Classes => _linear.Classes;

        public Tensor Logits(Images images) =>
            ((IClassifier)_linear).Logits(images).detach().add(images.Pixels.sum([1, 2, 3]).mul(0.0).unsqueeze(1));
    }

    [Fact]
    public void A_known_break_that_fails_counts_as_not_run()
    {
        var defense = new DefenseSpec
        {
            Name = "nothing",
            Purifier = Purifier.Nothing,
            Breaks = [new KnownBreak("its break", (_, _) => new Failing())],
        };
        EvaluationFindings findings = ToyEvaluation.Run(defense);
        Assert.Equal(["its break"], findings.KnownBreaksNotRun["nothing"]);
    }

    private sealed record Failing : IAttack<IClassifier>
    {
        public string Name => "failing";

        public Norm Norm => Norm.Linf;

        public Tensor Perturb(IClassifier model, Batch batch) => throw new InvalidOperationException("It broke.");
    }
}
