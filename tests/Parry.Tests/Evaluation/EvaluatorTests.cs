using Parry.Attacks.Catalog;
using Parry.Attacks.WhiteBox;
using Parry.Data;
using Parry.Defenses;
using Parry.Evaluation;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

public class EvaluatorTests
{
    private static readonly ImageShape s_shape = new(1, 4, 4);

    [Fact]
    public void A_purifier_that_does_nothing_gives_the_numbers_of_the_bare_classifier_to_both_attackers()
    {
        var findings = Run(new Doing("nothing", images => images.clone()));
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
        var findings = Run(new Doing("nothing", images => images.clone()));
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
        var findings = Run(new Doing("round", images => (1.0 - images.mul(0.6).add(0.2).round())));
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
        foreach (
            EvaluationRow row in Run(new Doing("nothing", images => images.clone()))
                .Rows.Where(row => row.Attack != EvaluationRow.Nothing)
        )
        {
            Assert.Equal(row.CleanCorrect, row.Attacked);
            Assert.Equal(row.CleanCorrect - row.Succeeded, row.RobustCorrect);
            Assert.Equal(40, row.Count);
        }
    }

    [Fact]
    public void A_purifier_that_wipes_every_image_leaves_one_answer_that_no_attack_changes()
    {
        var findings = Run(new Doing("wipe", images => images.mul(0.0)));
        EvaluationRow clean = findings.Rows.Single(row => row is { Defense: "wipe", Attack: EvaluationRow.Nothing });
        Assert.InRange(clean.CleanCorrect, 1, 30);
        Assert.All(
            findings.Rows.Where(row => row.Defense == "wipe" && row.Attack != EvaluationRow.Nothing),
            row => Assert.Equal(clean.CleanCorrect, row.RobustCorrect)
        );
    }

    [Fact]
    public void The_worst_case_counts_an_image_as_robust_only_if_every_attack_failed_on_it()
    {
        var findings = Run(new Doing("nothing", images => images.clone()));
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
        var findings = Run(new Doing("round", images => images.round()));
        Assert.All(findings.Rocs.Where(roc => roc.Threat == Threat.GreyBox), roc => Assert.Equal(1, roc.Auc));
        Assert.NotEmpty(findings.Rocs);
    }

    [Fact]
    public void The_same_seed_gives_the_same_rows()
    {
        static IEnumerable<EvaluationRow> Rows() =>
            Run(new Doing("nothing", images => images.clone())).Rows.Select(row => row with { Seconds = 0 });
        Assert.Equal(Rows(), Rows());
    }

    [Fact]
    public void A_defense_whose_adaptive_attack_is_weaker_than_the_static_one_is_called_out()
    {
        EvaluationRow row = Run(new Doing("nothing", images => images.clone()))
            .Rows.First(row => row.Threat == Threat.GreyBox);
        var weak = row with { Threat = Threat.WhiteBox, Count = 1000, CleanCorrect = 990, RobustCorrect = 950 };
        var strong = row with { Count = 1000, CleanCorrect = 990, RobustCorrect = 300 };
        Assert.Single(
            GradientMasking.Warnings([strong, weak]),
            warning => warning.Contains("masked", StringComparison.Ordinal)
        );
        Assert.Empty(
            GradientMasking.Warnings([strong with { RobustCorrect = 960 }, weak with { RobustCorrect = 940 }])
        );
    }

    [Fact]
    public void An_attack_without_a_limit_that_leaves_images_right_is_called_out()
    {
        EvaluationRow row = Run(new Doing("nothing", images => images.clone()))
            .Rows.First(row => row.Threat == Threat.WhiteBox) with
        {
            Epsilon = null,
            Count = 1000,
            CleanCorrect = 990,
        };
        Assert.Single(
            GradientMasking.Warnings([row with { RobustCorrect = 800 }]),
            warning => warning.Contains("no limit", StringComparison.Ordinal)
        );
        Assert.Empty(GradientMasking.Warnings([row with { RobustCorrect = 10 }]));
    }

    [Fact]
    public void Attacks_that_learn_do_so_from_other_images_anew_for_each_model_and_their_rows_leave_that_out()
    {
        var learner = new Learner();
        EvaluationFindings findings = Run(
            new Doing("nothing", images => images.clone()),
            new PlannedAttack("learner", learner, [0.02, 0.1])
        );
        Assert.Equal([10, 10], learner.Seen.Select(images => images.Length / 16));
        Assert.All(learner.Seen.SelectMany(images => images), value => Assert.Equal(128 / 255f, value));
        Assert.Equal([0.02, 0.1], learner.Budgets);
        Assert.All(
            findings.Rows.Where(row => row.Attack == "learner"),
            row => Assert.Equal((0.0, 0.0), (row.Gradients, row.Queries))
        );
        Assert.Equal(2, findings.Notes.Count);
        Assert.Contains(
            "learner learned to attack the bare classifier from 10 images of others that it is not judged on, with "
                + "10 queries and 10 gradients",
            findings.Notes[0],
            StringComparison.Ordinal
        );
        Assert.Contains(
            "learner learned to attack nothing, adaptive from",
            findings.Notes[1],
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void An_attack_that_came_trained_learns_only_to_attack_a_defense_that_it_knows()
    {
        var learner = new Learner { IsTrained = true };
        EvaluationFindings findings = Run(
            new Doing("nothing", images => images.clone()),
            new PlannedAttack("learner", learner, [0.1])
        );
        Assert.Single(learner.Seen);
        Assert.Equal(2, findings.Notes.Count);
        Assert.Contains(
            "learner came trained and attacks the bare classifier as it is",
            findings.Notes[0],
            StringComparison.Ordinal
        );
        Assert.Contains(
            "learner learned to attack nothing, adaptive from",
            findings.Notes[1],
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void An_attack_that_aims_at_a_class_learns_to_reach_that_class()
    {
        var learner = new Learner();
        Run(
            new Doing("nothing", images => images.clone()),
            new PlannedAttack("learner", learner, [0.1], Target: TargetChoice.TryParse("next"))
        );
        Assert.Equal(2, learner.Goals.Count);

        // The images it learns from are all of class 0.
        Assert.All(learner.Goals, goal => Assert.True(goal.IsTargeted && goal.Labels.All(label => label == 1)));
    }

    [Fact]
    public void An_image_that_is_refused_counts_as_wrong_when_clean_and_as_right_when_attacked()
    {
        EvaluationFindings all = Run(new DefenseSpec { Name = "wary", Detectors = [new Wary(-1)] });
        Assert.All(
            all.Rows.Where(row => row.Defense == "wary" && row.Attack != "worst case"),
            row => Assert.Equal((0, 0, 40), (row.CleanCorrect, row.RobustCorrect, row.Refused))
        );

        // Clean images are black and white, attacked ones are not.
        EvaluationFindings attacked = Run(new DefenseSpec { Name = "wary", Detectors = [new Wary(1e-6)] });
        Assert.Equal(0, attacked.Rows.Single(row => row is { Defense: "wary", Attack: EvaluationRow.Nothing }).Refused);
        Assert.All(
            attacked.Rows.Where(row => row is { Defense: "wary", Attack: "fgsm" }),
            row => Assert.Equal(row.CleanCorrect, row.RobustCorrect)
        );
        Assert.All(attacked.Rows.Where(row => row.Defense == EvaluationRow.Nothing), row => Assert.Null(row.Refused));
        Assert.All(attacked.Rocs, roc => Assert.Equal(1, roc.Auc));
    }

    [Fact]
    public void An_attack_known_to_break_a_defense_runs_whenever_it_appears_and_counts_in_the_worst_case()
    {
        var nothing = new Doing("nothing", images => images.clone());
        EvaluationFindings findings = Run(
            new DefenseSpec
            {
                Name = "nothing",
                Purifier = nothing,
                Breaks =
                [
                    new KnownBreak(
                        "its break",
                        behind =>
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
            Purifier = new Doing("nothing", images => images.clone()),
            Breaks = [new KnownBreak("its break", _ => new FastGradientSign())],
        };
        EvaluationFindings findings = Run(defense, knownBreaks: false);
        Assert.DoesNotContain(findings.Rows, row => row.Attack == "its break");
        Assert.Contains("nothing was not attacked by the attacks known to break it: its break.", findings.Notes);
    }

    [Fact]
    public void A_classifier_in_the_evaluated_ones_place_answers_and_the_attacker_may_differentiate_another()
    {
        EvaluationFindings hidden = Run(new DefenseSpec { Name = "hidden", Classifier = new Flat() });
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
        EvaluationFindings seen = Run(
            new DefenseSpec
            {
                Name = "hidden",
                Classifier = new Flat(),
                AttackersClassifier = new LinearClassifier(s_shape),
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
                Purifier = new Doing("noise", images => images.clone()) { IsRandom = random },
            };
        EvaluationRow[] rows = [.. Run(Random(true), revisited: true).Rows.Where(row => row.Defense == "noise")];
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
        Assert.DoesNotContain(Run(Random(false), revisited: true).Rows, row => row.Threat == Threat.WhiteBoxRevisited);
    }

    [Fact]
    public void Images_from_a_substitute_are_a_black_box_attack()
    {
        EvaluationFindings findings = Run(
            new Doing("nothing", images => images.clone()),
            new PlannedAttack("from elsewhere", new FastGradientSign(), [0.1], new LinearClassifier(s_shape))
        );
        Assert.Contains(findings.Rows, row => row is { Attack: "from elsewhere", Threat: Threat.BlackBox });
        Assert.DoesNotContain(findings.Rows, row => row is { Attack: "from elsewhere", Threat: Threat.GreyBox });
    }

    private static EvaluationFindings Run(IPurifier purifier, params PlannedAttack[] more) =>
        Run(new DefenseSpec { Name = purifier.Name, Purifier = purifier }, revisited: false, knownBreaks: true, more);

    private static EvaluationFindings Run(
        DefenseSpec defense,
        bool revisited = false,
        bool knownBreaks = true,
        params PlannedAttack[] more
    )
    {
        using var random = new Generator(8);
        var classifier = new LinearClassifier(s_shape);
        using var scope = NewDisposeScope();

        // Black-and-white images, labeled as the classifier sees them but for the last four.
        byte[] pixels = rand([40 * 16], generator: random)
            .gt(0.5)
            .to(ScalarType.Byte)
            .mul(tensor(new byte[] { 255 }))
            .ToArray<byte>();
        Tensor images = TensorData.FromBytes(pixels, ScalarType.Byte, 40, 1, 4, 4).to(ScalarType.Float32).div(255.0);
        int[] labels =
        [
            .. ((IClassifier)classifier)
                .Predict(images)
                .ToArray<long>()
                .Select((label, i) => (int)(i < 36 ? label : (label + 1) % 3)),
        ];
        return Evaluator.Run(
            new EvaluationPlan
            {
                ModelName = "linear",
                Model = classifier,
                DataName = "checks",
                Images = new ImageSet("checks", s_shape, pixels, labels, ["a", "b", "c"]),
                TrainingImages = new ImageSet(
                    "others",
                    s_shape,
                    Enumerable.Repeat((byte)128, 12 * 16).ToArray(),
                    new int[12],
                    ["a", "b", "c"]
                ),
                Attacks =
                [
                    new("fgsm", new FastGradientSign(), [0.02, 0.1]),
                    new("half", new Half(), [0.02, 0.1]),
                    .. more,
                ],
                Defenses = [defense],
                Revisited = revisited,
                KnownBreaks = knownBreaks,
                Seed = 1,
            }
        );
    }

    /// <summary>A purifier that is one function of the images.</summary>
    private sealed record Doing(string Name, Func<Tensor, Tensor> Purification) : IPurifier
    {
        public ImageShape Shape => s_shape;

        public GradientPath Path => GradientPath.Identity;

        public bool IsRandom { get; init; }

        public Purified Purify(Tensor images, SampleRandom random)
        {
            Tensor purified = Purification(images);
            return new Purified(purified, purified.sub(images).pow(2.0).mean([1, 2, 3]));
        }
    }

    /// <summary>A detector of images that are not black and white.</summary>
    private sealed record Wary(double Threshold) : IDetector
    {
        public string Name => "wary";

        public Tensor Scores(Tensor images, SampleRandom random) => images.sub(images.round()).abs().mean([1, 2, 3]);
    }

    /// <summary>The linear classifier without its gradients.</summary>
    private sealed class Flat : IClassifier
    {
        private readonly LinearClassifier _linear = new(s_shape);

        public ImageShape Shape => s_shape;

        public int Classes => _linear.Classes;

        public Tensor Logits(Images images) =>
            ((IClassifier)_linear).Logits(images).detach().add(images.Pixels.sum([1, 2, 3]).mul(0.0).unsqueeze(1));
    }

    /// <summary>FGSM that uses only half of its budget.</summary>
    private sealed record Half : Parry.Attacks.IBudgetAttack<IClassifier>
    {
        public string Name => "half";

        public Parry.Attacks.Norm Norm => Parry.Attacks.Norm.Linf;

        public double Epsilon => 0.1;

        public Tensor Perturb(IClassifier model, Parry.Attacks.Batch batch, double epsilon) =>
            PerturbWithin(model, batch, [epsilon])[0];

        public IReadOnlyList<Tensor> PerturbWithin(
            IClassifier model,
            Parry.Attacks.Batch batch,
            IReadOnlyList<double> epsilons
        ) => new FastGradientSign().PerturbWithin(model, batch, [.. epsilons.Select(epsilon => epsilon / 2)]);
    }

    /// <summary>Remembers what it learned from, and does nothing.</summary>
    private sealed record Learner : Parry.Attacks.IBudgetAttack<IClassifier>, Parry.Attacks.ITrainedAttack<IClassifier>
    {
        public List<float[]> Seen { get; init; } = [];

        public List<double> Budgets { get; init; } = [];

        public List<(bool IsTargeted, long[] Labels)> Goals { get; init; } = [];

        public string Name => "learner";

        public Parry.Attacks.Norm Norm => Parry.Attacks.Norm.Linf;

        public double Epsilon => 0.1;

        public bool IsTrained { get; init; }

        public int TrainingImages => 10;

        public Parry.Attacks.ITrainedAttack<IClassifier> Train(
            IClassifier model,
            Parry.Attacks.Batch data,
            IReadOnlyList<double> epsilons,
            IProgress<double>? progress = null,
            CancellationToken cancellation = default
        )
        {
            _ = model.Gradient(data.With(data.Images), Parry.Attacks.Steps.AttackLoss.CrossEntropy(data.Goal));
            Seen.Add(data.Images.ToArray<float>());
            Goals.Add((data.Goal.IsTargeted, data.Goal.Labels.ToArray<long>()));
            if (Budgets.Count == 0)
                Budgets.AddRange(epsilons);
            return this with { IsTrained = true };
        }

        public Tensor Perturb(IClassifier model, Parry.Attacks.Batch batch, double epsilon) =>
            IsTrained ? batch.Images : throw new InvalidOperationException();

        public IReadOnlyList<Tensor> PerturbWithin(
            IClassifier model,
            Parry.Attacks.Batch batch,
            IReadOnlyList<double> epsilons
        ) => [.. epsilons.Select(epsilon => Perturb(model, batch, epsilon))];

        public void Dispose() { }
    }
}
