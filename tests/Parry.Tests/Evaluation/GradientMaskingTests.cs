using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Catalogs;
using Parry.Data;
using Parry.Defenses;
using Parry.Evaluation;
using Parry.Models;
using Parry.Runtime;
using Parry.Tests.Defenses;
using static Parry.Tests.Reports.SampleReport;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

public sealed class GradientMaskingTests
{
    private static readonly ImageShape s_shape = new(1, 2, 2);

    [Fact]
    public void A_defense_whose_adaptive_attack_is_weaker_than_the_static_one_is_called_out()
    {
        EvaluationRow row = ToyEvaluation.OfNothing.Rows.First(row => row.Threat == Threat.GreyBox);
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
    public void An_attack_that_changes_nothing_behind_a_defense_and_everything_without_it_is_called_out()
    {
        EvaluationRow bare = Row("pgd", 0.1, "none", Threat.None, 0);
        EvaluationRow unaware = Row("pgd", 0.1, "puvae", Threat.GreyBox, 185);
        EvaluationRow aware = Row("pgd", 0.1, "puvae", Threat.WhiteBox, 185);
        Assert.Contains(
            "not evidence of robustness",
            Assert.Single(GradientMasking.Warnings([bare, unaware, aware])),
            StringComparison.Ordinal
        );
        Assert.Empty(GradientMasking.Warnings([bare, unaware, aware with { RobustCorrect = 150 }]));
        Assert.Empty(GradientMasking.Warnings([bare with { RobustCorrect = 100 }, unaware, aware]));
    }

    [Fact]
    public void An_attack_without_a_limit_that_leaves_images_right_is_called_out()
    {
        EvaluationRow row = ToyEvaluation.OfNothing.Rows.First(row => row.Threat == Threat.WhiteBox) with
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
    public void Many_steps_that_do_significantly_worse_than_a_single_one_are_called_out_whatever_their_names()
    {
        EvaluationRow single = Row("a", 0.1, "puvae", Threat.WhiteBox, 60);
        EvaluationRow many = Row("b", 0.1, "puvae", Threat.WhiteBox, 120);
        Assert.Equal(
            "b at linf 0.1 on puvae is weaker than the single step of a (120 against 60 of 200 right): gradients are "
                + "masked or its steps are badly chosen.",
            Assert.Single(GradientMasking.OfManySteps([single], [many]))
        );
        Assert.Empty(GradientMasking.OfManySteps([single with { RobustCorrect = 110 }], [many]));
        Assert.Empty(GradientMasking.OfManySteps([single with { Epsilon = 0.2 }], [many]));
        Assert.Empty(GradientMasking.OfManySteps([single with { Threat = Threat.GreyBox }], [many]));
    }

    [Fact]
    public void Attacks_along_gradients_say_how_many_steps_they_take()
    {
        IEnumerable<string> With(GradientSteps steps) =>
            from entry in AttackCatalog.All
            let attack = AttackCatalog.Parse(entry.Name).Attack as IBudgetAttack<IClassifier>
            where attack is not null && attack.GradientSteps == steps
            select entry.Name;

        Assert.Equal(["fgsm", "rand-fgsm"], With(GradientSteps.One).Order());
        Assert.Equal(["apgd", "autoattack", "bim", "mi-fgsm", "pgd"], With(GradientSteps.Many).Order());
    }

    [Fact]
    public void An_attack_without_gradients_that_leaves_significantly_less_is_called_out()
    {
        EvaluationRow pgd = Row("pgd", 0.1, "puvae", Threat.WhiteBox, 120);
        EvaluationRow square = Row("square", 0.1, "puvae", Threat.WhiteBox, 60);
        EvaluationRow substitute = Row("pgd from b", 0.1, "puvae", Threat.BlackBox, 60);
        string warning = Assert.Single(GradientMasking.OfBlindAttacks([pgd], [square]));
        Assert.Equal(
            "square at linf 0.1 on puvae, which sees no gradients, leaves fewer images right than any attack that "
                + "does (60 of 200 against 120 under pgd): gradients are masked, and the lower number counts.",
            warning
        );
        Assert.Single(
            GradientMasking.OfBlindAttacks([pgd], [square with { RobustCorrect = 119 }, substitute]),
            text => text.StartsWith("pgd from b", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void What_may_be_chance_or_is_of_another_model_norm_or_budget_is_not()
    {
        EvaluationRow pgd = Row("pgd", 0.1, "puvae", Threat.WhiteBox, 120);
        EvaluationRow square = Row("square", 0.1, "puvae", Threat.WhiteBox, 60);

        // 95 % intervals of 120 and 102 of 200 overlap; those of 120 and 90 do not.
        Assert.Empty(GradientMasking.OfBlindAttacks([pgd], [square with { RobustCorrect = 102 }]));
        Assert.Single(GradientMasking.OfBlindAttacks([pgd], [square with { RobustCorrect = 90 }]));
        Assert.Empty(
            GradientMasking.OfBlindAttacks(
                [pgd],
                [
                    square with
                    {
                        Epsilon = 0.2,
                    },
                    square with
                    {
                        Norm = "l2",
                    },
                    square with
                    {
                        Defense = "magnet",
                    },
                    square with
                    {
                        Epsilon = null,
                    },
                ]
            )
        );
        Assert.Empty(GradientMasking.OfBlindAttacks([pgd, pgd with { Attack = "apgd", RobustCorrect = 62 }], [square]));
        Assert.Empty(GradientMasking.OfBlindAttacks([], [square]));
    }

    [Theory]
    [InlineData(5, 100, false)]
    [InlineData(6, 100, true)]
    [InlineData(0, 0, false)]
    public void More_than_5_percent_of_images_without_a_gradient_are_called_out(int without, int count, bool warned) =>
        Assert.Equal(
            warned,
            GradientMasking
                .OfZeroGradients("puvae", without, 0, count)
                ?.Contains($"for {without} of the {count}", StringComparison.Ordinal)
                ?? false
        );

    [Theory]
    [InlineData(3, "loss=margin")]
    [InlineData(4, "Export the model without it")]
    public void Where_no_loss_has_a_gradient_another_loss_is_not_advised(int flat, string word) =>
        Assert.Contains(word, GradientMasking.OfZeroGradients("net", 6, flat, 10)!, StringComparison.Ordinal);

    [Fact]
    public void What_random_search_finds_is_counted_and_finding_nothing_says_nothing()
    {
        Assert.Null(GradientMasking.OfRandomSearch("puvae", 5, isRandom: false, [("linf 0.1", 0, 40)]));
        string warning = GradientMasking.OfRandomSearch(
            "puvae",
            5,
            isRandom: true,
            [("linf 0.1", 2, 40), ("linf 0.3", 2, 11)]
        )!;
        Assert.Contains("linf 0.3, 2 of the 11 images", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("linf 0.1", warning, StringComparison.Ordinal);
        Assert.Contains(
            "linf 0.1, 2 of the 40",
            GradientMasking.OfRandomSearch("puvae", 5, isRandom: false, [("linf 0.1", 2, 40)])!,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_classifier_without_gradients_is_found_by_random_search_and_by_its_gradients_behind_a_purifier_too()
    {
        IReadOnlyList<string> warnings = Run(new Plane(masked: true)).Warnings;
        Assert.Equal(4, warnings.Count);
        Assert.Equal(
            2,
            warnings.Count(text => text.Contains("is zero or not finite for 20 of the 20", StringComparison.Ordinal))
        );
        Assert.Contains(
            warnings,
            text =>
                text.StartsWith(
                    "the bare classifier: random search, 100 draws for each image, fools it where attacks that "
                        + "follow gradients do not: linf 0.2, 20 of the 20",
                    StringComparison.Ordinal
                )
        );
        Assert.Contains(warnings, text => text.StartsWith("nothing: random search, 5 draws", StringComparison.Ordinal));
    }

    [Fact]
    public void What_random_search_finds_on_the_attackers_copy_counts_only_if_it_fools_the_defender()
    {
        // The copy takes for wrong just what the defender gets right.
        var defense = new DefenseSpec
        {
            Name = "mirror",
            Purifier = new Doing(images => images.clone()),
            AttackersPurifier = new Doing(images => (1.0 - images)),
        };
        IReadOnlyList<string> warnings = Run(new Plane(masked: true), defense).Warnings;
        Assert.Contains(
            warnings,
            text => text.StartsWith("the bare classifier: random search", StringComparison.Ordinal)
        );
        Assert.DoesNotContain(warnings, text => text.StartsWith("mirror: random search", StringComparison.Ordinal));
    }

    [Fact]
    public void A_classifier_with_its_gradients_gives_no_warning() =>
        Assert.Empty(Run(new Plane(masked: false)).Warnings);

    [Fact]
    public void Images_from_a_substitute_that_beat_gradients_are_called_out()
    {
        IReadOnlyList<string> warnings = Run(
            new Plane(masked: true),
            new PlannedAttack("fgsm from a twin", new FastGradientSign(), [0.2], new Plane(masked: false))
        ).Warnings;
        Assert.Contains(
            warnings,
            text =>
                text.StartsWith(
                    "fgsm from a twin at linf 0.2, which sees no gradients, leaves fewer images right",
                    StringComparison.Ordinal
                )
        );
    }

    [Fact]
    public void The_time_of_an_answer_is_measured_for_the_bare_classifier_and_each_defense()
    {
        IReadOnlyList<AnswerTime> times = Run(new Plane(masked: false)).Times;
        Assert.Equal([EvaluationRow.Nothing, "nothing"], times.Select(time => time.Defense));
        Assert.All(times, time => Assert.True(time is { Milliseconds: > 0, CleanAccuracy: 1 }, time.ToString()));
    }

    private static EvaluationFindings Run(IClassifier model, params PlannedAttack[] more) =>
        Run(model, new DefenseSpec { Name = "nothing", Purifier = new Doing(images => images.clone()) }, more);

    // 20 gray images a little above the plane, which a change of 0.2 crosses in one random direction of two.
    private static EvaluationFindings Run(IClassifier model, DefenseSpec defense, params PlannedAttack[] more) =>
        Evaluator.Run(
            new EvaluationPlan
            {
                ModelName = "plane",
                Model = model,
                DataName = "gray",
                Images = new ImageSet(
                    "gray",
                    s_shape,
                    Enumerable.Repeat((byte)130, 80).ToArray(),
                    new int[20],
                    ["above", "below"]
                ),
                Attacks = [new("fgsm", new FastGradientSign(), [0.2]), .. more],
                Defenses = [defense],
                Seed = 1,
            }
        );

    /// <summary>Images whose first pixel is above 0.5, with gradients or without.</summary>
    private sealed class Plane(bool masked) : IClassifier
    {
        private readonly PlaneClassifier _plane = new(
            s_shape,
            tensor(new float[] { 1, 0, 0, 0 }, [4]).DetachFromDisposeScope(),
            0.5,
            20
        );

        public ImageShape Shape => s_shape;

        public int Classes => 2;

        public Tensor Logits(Images images) =>
            masked
                ? _plane
                    .Logits(images.With(images.Pixels.detach()))
                    .add(images.Pixels.sum([1, 2, 3]).mul(0.0).unsqueeze(1))
                : _plane.Logits(images);
    }

    private sealed record Doing(Func<Tensor, Tensor> Purification) : IPurifier
    {
        public string Name => "doing";

        public ImageShape Shape => s_shape;

        public GradientPath Path => GradientPath.Identity;

        public bool IsRandom => false;

        public Purified Purify(Tensor images, SampleRandom random) => Purified.Of(images, Purification(images));
    }
}
