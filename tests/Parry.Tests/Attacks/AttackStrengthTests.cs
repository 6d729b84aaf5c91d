using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Attacks.DecisionBased;
using Parry.Attacks.ScoreBased;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Runtime;
using TorchSharp;
using Xunit.Sdk;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

public class AttackStrengthTests
{
    private static readonly ImageShape s_shape = new(1, 6, 6);

    public static TheoryData<IBudgetAttack<IClassifier>> BudgetAttacks { get; } =
        new(
            new FastGradientSign(),
            new BasicIterative { Step = 0.001 },
            new ProjectedGradientDescent { RandomStart = false },
            new ProjectedGradientDescent { Steps = 100, Step = 0.0005 },
            new ProjectedGradientDescent { Loss = Objective.Margin, RandomStart = false },
            new ProjectedGradientDescent { EarlyStop = true, RandomStart = false },
            new ProjectedGradientDescent { Norm = Norm.L2, RandomStart = false },
            new ProjectedGradientDescent
            {
                Norm = Norm.L2,
                Steps = 100,
                Step = 0.01,
            },
            new ProjectedGradientDescent
            {
                Norm = Norm.L2,
                Steps = 100,
                Step = 0.01,
                Loss = Objective.Margin,
                EarlyStop = true,
            },
            new NaturalEvolution { LearningRate = 0.004 },
            new SimultaneousPerturbation { LearningRate = 0.004, Queries = 40 },
            new ProjectedGradientDescent { Norm = Norm.L1, RandomStart = false },
            new ProjectedGradientDescent
            {
                Norm = Norm.L1,
                Steps = 100,
                Step = 0.01,
            },
            new IterativeLeastLikely { Step = 0.001 },
            new MomentumIterative(),
            new AutoProjectedGradientDescent(),
            new AutoProjectedGradientDescent { Norm = Norm.L2 },
            new AutoProjectedGradientDescent { Norm = Norm.L1 },
            new Houdini(),
            new Houdini { Norm = Norm.L2 },
            new AutoAttack { Queries = 20 },
            new AutoAttack { Norm = Norm.L2, Queries = 20 },
            new AutoAttack { Norm = Norm.L1 },
            new SquareAttack()
        );

    public static TheoryData<IAttack<IClassifier>> MinimumNormAttacks { get; } =
        new(
            new CarliniWagnerL2 { Iterations = 300 },
            new DeepFool(),
            new DeepFool { Norm = Norm.Linf },
            new DeepFool { Norm = Norm.L1 },
            new DecoupledDirectionNorm { Levels = 0, Loss = Objective.Margin },
            new FastMinimumNorm { Steps = 200 },
            new FastMinimumNorm { Norm = Norm.L2 },
            new FastMinimumNorm { Norm = Norm.L1, Steps = 200 },
            new ElasticNet
            {
                Rule = ElasticNetRule.L1,
                Beta = 0.01,
                Momentum = true,
                AbortEarly = false,
            },
            new CarliniWagnerLinf { Decrease = 0.97, LearningRate = 1e-3 },
            new Lbfgs { SearchSteps = 14, Iterations = 200 }
        );

    [Theory]
    [MemberData(nameof(BudgetAttacks))]
    public void A_budget_attack_succeeds_exactly_where_its_budget_allows(IBudgetAttack<IClassifier> attack)
    {
        StrengthChecks.SucceedsWhereTheBudgetAllows(attack, targeted: false);
        StrengthChecks.SucceedsWhereTheBudgetAllows(attack, targeted: true);
    }

    [Theory]
    [MemberData(nameof(MinimumNormAttacks))]
    public void A_minimizing_attack_comes_within_5_percent_of_the_smallest_perturbation(IAttack<IClassifier> attack)
    {
        StrengthChecks.ComesNearTheOptimum(attack, targeted: false, classes: 5);
        StrengthChecks.ComesNearTheOptimum(attack, targeted: false, classes: 2);
        StrengthChecks.ComesNearTheOptimum(attack, targeted: true, classes: 2);
    }

    // With more classes they stay at the boundary to the class they started in, which need not be the nearest.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Attacks_that_see_labels_only_come_within_5_percent_of_the_smallest_perturbation(bool targeted)
    {
        StrengthChecks.ComesNearTheOptimum(new HopSkipJump { Steps = 12 }, targeted, classes: 2);
        StrengthChecks.ComesNearTheOptimum(new HopSkipJump { Steps = 12, Norm = Norm.Linf }, targeted, classes: 2);
        StrengthChecks.ComesNearTheOptimum(
            new BoundaryAttack
            {
                Steps = 2000,
                SphericalStep = 0.1,
                SourceStep = 0.03,
            },
            targeted,
            classes: 2
        );
    }

    public static TheoryData<IAttack<IClassifier>> SmallestByScores { get; } =
        new(
            new ZerothOrder { Iterations = 200 },
            new ZerothOrder
            {
                Iterations = 300,
                Coordinates = 12,
                Tanh = true,
                LearningRate = 0.05,
            },
            new ZerothOrder
            {
                Iterations = 200,
                Solver = ZooSolver.Newton,
                LearningRate = 0.1,
            },
            new AutoZoom
            {
                Side = 6,
                Steps = 2000,
                LearningRate = 0.002,
                Directions = 20,
            }
        );

    [Theory]
    [MemberData(nameof(SmallestByScores))]
    public void Attacks_by_scores_come_within_5_percent_of_the_smallest_perturbation(IAttack<IClassifier> attack)
    {
        StrengthChecks.ComesNearTheOptimum(attack, targeted: false, classes: 5);
        StrengthChecks.ComesNearTheOptimum(attack, targeted: true, classes: 2);
    }

    [Theory]
    [InlineData(Norm.Linf)]
    [InlineData(Norm.L2)]
    [InlineData(Norm.L1)]
    public void FAB_comes_within_5_percent_of_the_smallest_perturbation(Norm norm)
    {
        StrengthChecks.ComesNearTheOptimum(new FastAdaptiveBoundary { Norm = norm }, targeted: false, classes: 5);
        StrengthChecks.ComesNearTheOptimum(new FastAdaptiveBoundary { Norm = norm }, targeted: true, classes: 2);
    }

    [Theory]
    [InlineData(ApgdLoss.Dlr, 2)]
    [InlineData(ApgdLoss.DlrTargeted, 3)]
    public void A_loss_that_compares_logits_asks_for_enough_classes(ApgdLoss loss, int classes)
    {
        var problem = new LinearProblem(Norm.Linf, classes, count: 3, seed: 5);
        var attack = new AutoProjectedGradientDescent { Loss = loss, Epsilon = 0.1 };
        var error = Assert.Throws<UserErrorException>(() =>
            AttackRunner.Run(attack, problem.Model, problem.Images, problem.Goal(false), seed: 1)
        );
        Assert.Contains($"the model has {classes} classes", error.Message, StringComparison.Ordinal);
        using AttackResult result = AttackRunner.Run(
            new AutoAttack { Epsilon = 0.03 },
            problem.Model,
            problem.Images,
            problem.Goal(false),
            seed: 1
        );
        Assert.All(result.Succeeded, Assert.True);
    }

    [Theory]
    [InlineData(ApgdLoss.DlrTargeted, 1.02)]
    [InlineData(ApgdLoss.Dlr, 1.5)] // the likeliest wrong class need not be the nearest
    public void APGD_on_ratios_of_logits_succeeds_where_the_budget_allows(ApgdLoss loss, double enough)
    {
        var problem = new LinearProblem(Norm.Linf, classes: 5, count: 12, seed: 5);
        var attack = new AutoProjectedGradientDescent { Loss = loss };
        IReadOnlyList<AttackResult> results = AttackRunner.Run(
            attack,
            problem.Model,
            new AttackRun(problem.Images, problem.Goal(false), 1)
            {
                Epsilons = [0.98 * problem.Distance, enough * problem.Distance],
            }
        );
        Assert.All(results[0].Succeeded, Assert.False);
        Assert.All(results[1].Succeeded, Assert.True);
    }

    [Fact]
    public void JSMA_takes_the_best_of_all_pairs()
    {
        const int count = 20;
        var random = new Random(7);
        foreach (int values in new[] { 2, 3, 16, 61, 200 })
        {
            for (int i = 0; i < count; i++)
            {
                float[] a = [.. Enumerable.Range(0, values).Select(_ => (float)(random.NextDouble() - 0.7))],
                    b = [.. Enumerable.Range(0, values).Select(_ => (float)(random.NextDouble() - 0.3))];
                a[0] = b[0] = float.NegativeInfinity;
                float Product((int P, int Q) pair) =>
                    Math.Max(0, a[pair.P] + a[pair.Q]) * Math.Max(0, b[pair.P] + b[pair.Q]);
                var best = Enumerable
                    .Range(0, values)
                    .SelectMany(p => Enumerable.Range(p + 1, values - p - 1).Select(q => (p, q)))
                    .MaxBy(Product);
                var (first, second, gain) = JacobianSaliencyMap.BestPair(a, b);
                Assert.Equal(Product(best), gain);
                if (gain > 0)
                    Assert.Equal((best.p, best.q), (first, second));
            }
        }
    }

    [Fact]
    public void OptMargin_stays_adversarial_around_its_images_and_Carlini_and_Wagner_do_not()
    {
        var problem = new LinearProblem(Norm.L2, classes: 2, count: 12, seed: 6);
        Goal goal = problem.Goal(false);
        double Around(IAttack<IClassifier> attack)
        {
            using AttackResult result = AttackRunner.Run(attack, problem.Model, problem.Images, goal, seed: 1);
            Assert.All(result.Succeeded, Assert.True);
            using var random = new Generator(9);
            using Tensor noise = randn([200, 12, 1, 6, 6], generator: random).mul(0.02),
                near = result.Images.add(noise).clamp(0.0, 1.0).flatten(0, 1);
            using Tensor labels = goal.Labels.repeat(200),
                reached = Goal.Untargeted(labels)
                    .IsReached(((IClassifier)problem.Model).Predict(near))
                    .to(ScalarType.Float32)
                    .mean();
            return reached.ToDouble();
        }

        Assert.InRange(Around(new CarliniWagnerL2 { Iterations = 300 }), 0.4, 0.7);
        Assert.InRange(
            Around(
                new OptMargin
                {
                    Points = 20,
                    Radius = 0.02,
                    Iterations = 100,
                }
            ),
            0.9,
            1
        );
    }

    [Fact]
    public void L0_attacks_change_as_few_pixels_as_a_linear_model_allows()
    {
        var problem = new LinearProblem(Norm.L2, classes: 2, count: 12, seed: 6);
        float[] pixels = problem.Images.ToArray<float>();
        long[] labels = problem.Labels.ToArray<long>();
        foreach (
            IAttack<IClassifier> attack in new IAttack<IClassifier>[]
            {
                new CarliniWagnerL0
                {
                    InitialConstant = 0.1,
                    LargestConstant = 1e3,
                    Iterations = 200,
                },
                new FastMinimumNorm { Norm = Norm.L0 },
            }
        )
        {
            using AttackResult result = AttackRunner.Run(
                attack,
                problem.Model,
                problem.Images,
                problem.Goal(false),
                seed: 1
            );
            Assert.All(result.Succeeded, Assert.True);
            for (int i = 0; i < 12; i++)
            {
                int Least(double margin) =>
                    Fewest(
                        margin,
                        pixels.AsSpan(36 * i, 36),
                        problem.Model.W[labels[i]],
                        problem.Model.W[1 - labels[i]]
                    );
                Assert.True(
                    result.L0[i] >= Least(0) && result.L0[i] <= Least(0.05),
                    $"{attack} changes {result.L0[i]} pixels where {Least(0)} will do"
                );
            }
        }

        // The pixels that close the gap between two classes, and leave a margin, when each goes to the end of the box
        // and the best go first.
        static int Fewest(double gap, ReadOnlySpan<float> image, float[] own, float[] other)
        {
            var gains = new List<double>();
            for (int i = 0; i < image.Length; i++)
            {
                double slope = own[i] - other[i];
                gap += slope * (image[i] - 0.5);
                gains.Add(Math.Max(slope * image[i], -slope * (1 - image[i])));
            }

            return gains.OrderDescending().TakeWhile(gain => (gap -= gain) + gain > 0).Count();
        }
    }

    [Fact]
    public void ILCM_goes_to_the_class_that_was_least_likely()
    {
        var model = new SmallNetwork(s_shape, 5, seed: 3);
        using var random = new Generator(4);
        using Tensor images = rand([20, 1, 6, 6], generator: random);
        using Tensor logits = model.Logits(images);
        using AttackResult result = AttackRunner.Run(
            new IterativeLeastLikely(),
            model,
            images,
            Goal.Untargeted(logits.argmax(1)),
            seed: 1
        );
        Assert.Equal(logits.argmin(1).ToArray<long>(), ((IClassifier)model).Predict(result.Images).ToArray<long>());
    }

    [Fact]
    public void DDN_keeps_images_of_bytes_images_of_bytes()
    {
        var problem = new LinearProblem(Norm.L2, classes: 3, count: 6, seed: 2);
        using AttackResult result = AttackRunner.Run(
            new DecoupledDirectionNorm(),
            problem.Model,
            problem.Images,
            problem.Goal(false),
            seed: 1
        );
        Assert.All(result.Succeeded, Assert.True);
        Assert.All(result.Images.ToArray<float>(), value => Assert.Equal(Math.Round(value * 255), value * 255, 1e-4));
    }

    [Fact]
    public void An_attack_that_does_nothing_fails_every_strength_check()
    {
        foreach (Norm norm in new[] { Norm.Linf, Norm.L2, Norm.L1 })
        {
            foreach (bool targeted in new[] { false, true })
            {
                Assert.ThrowsAny<XunitException>(() =>
                    StrengthChecks.SucceedsWhereTheBudgetAllows(new Canary(norm), targeted)
                );
                Assert.ThrowsAny<XunitException>(() =>
                    StrengthChecks.ComesNearTheOptimum(new Canary(norm), targeted, classes: 2)
                );
            }
        }
    }

    [Fact]
    public void Random_FGSM_spends_its_whole_budget_and_no_more()
    {
        var problem = new LinearProblem(Norm.Linf, classes: 2, count: 12, seed: 5);
        foreach (double epsilon in new[] { 0.01, 0.1, 0.15 })
        {
            using AttackResult result = AttackRunner.Run(
                new RandomFastGradientSign { Epsilon = epsilon },
                problem.Model,
                problem.Images,
                problem.Goal(false),
                seed: 1
            );
            using Tensor change = result.Attempts.sub(problem.Images);
            Assert.All(Norm.Linf.Of(change).ToArray<float>(), size => Assert.Equal(epsilon, size, 1e-6));
        }
    }

    [Fact]
    public void Success_does_not_fall_with_the_budget_and_iterations_beat_one_step()
    {
        var model = new SmallNetwork(s_shape, 5, seed: 3);
        using var random = new Generator(4);
        using Tensor images = rand([100, 1, 6, 6], generator: random);
        var goal = Goal.Untargeted(((IClassifier)model).Predict(images));
        double[] epsilons = [0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.12, 1];

        int[] Successes(IBudgetAttack<IClassifier> attack) =>
            [
                .. AttackRunner
                    .Run(attack, model, new AttackRun(images, goal, 1) { Epsilons = epsilons })
                    .Select(result => result.Succeeded.Count(succeeded => succeeded)),
            ];

        int[] pgd = Successes(new ProjectedGradientDescent()),
            fgsm = Successes(new FastGradientSign());
        Assert.Equal(pgd.Order(), pgd);
        Assert.All(
            pgd.Zip(fgsm),
            pair =>
                Assert.True(pair.First >= pair.Second, $"PGD {string.Join(' ', pgd)}, FGSM {string.Join(' ', fgsm)}")
        );
        Assert.Equal((0, 100), (pgd[0], pgd[^1]));
        Assert.InRange(pgd[3], 10, 95);
    }

    [Fact]
    public void Restarts_never_hurt_and_cost_only_what_withstood()
    {
        var model = new SmallNetwork(s_shape, 5, seed: 3);
        using var random = new Generator(4);
        using Tensor images = rand([60, 1, 6, 6], generator: random);
        var goal = Goal.Untargeted(((IClassifier)model).Predict(images));
        using AttackResult once = AttackRunner.Run(
            new ProjectedGradientDescent { Epsilon = 0.04, Steps = 10 },
            model,
            images,
            goal,
            seed: 1
        );
        using AttackResult often = AttackRunner.Run(
            new ProjectedGradientDescent
            {
                Epsilon = 0.04,
                Steps = 10,
                Restarts = 3,
            },
            model,
            images,
            goal,
            seed: 1
        );
        for (int i = 0; i < 60; i++)
        {
            Assert.True(often.Succeeded[i] || !once.Succeeded[i]);
            Assert.Equal(
                once.Succeeded[i] ? 10
                    : often.Succeeded[i] ? often.Gradients[i]
                    : 30,
                often.Gradients[i]
            );
        }

        Assert.Contains(false, once.Succeeded);
    }

    [Fact]
    public void Early_stop_finds_the_same_successes_with_fewer_gradients_and_smaller_budgets_serve_larger_ones()
    {
        var model = new SmallNetwork(s_shape, 5, seed: 3);
        using var random = new Generator(4);
        using Tensor images = rand([60, 1, 6, 6], generator: random);
        var goal = Goal.Untargeted(((IClassifier)model).Predict(images));
        double[] epsilons = [0.08, 0.02, 0.04];
        var attack = new ProjectedGradientDescent { Steps = 20 };
        IReadOnlyList<AttackResult> full = AttackRunner.Run(
            attack,
            model,
            new AttackRun(images, goal, 1) { Epsilons = epsilons }
        );
        IReadOnlyList<AttackResult> early = AttackRunner.Run(
            attack with
            {
                EarlyStop = true,
            },
            model,
            new AttackRun(images, goal, 1) { Epsilons = epsilons }
        );
        for (int budget = 0; budget < epsilons.Length; budget++)
            Assert.All(
                full[budget].Succeeded.Zip(early[budget].Succeeded),
                pair => Assert.True(pair.Second || !pair.First)
            );
        Assert.All(
            early[1].Succeeded.Zip(early[2].Succeeded, early[0].Succeeded),
            found => Assert.True((!found.First || found.Second) && (!found.Second || found.Third))
        );
        Assert.True(early[0].Gradients.Sum() < 0.6 * full[0].Gradients.Sum());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_budget_gives_the_same_images_alone_and_beside_others(bool l2)
    {
        var problem = new LinearProblem(Norm.Linf, classes: 4, count: 9, seed: 8);
        var attack = new ProjectedGradientDescent
        {
            Norm = l2 ? Norm.L2 : Norm.Linf,
            Restarts = 2,
            Steps = 10,
        };
        double[] epsilons = [0.03, 0.01, 0.2];
        IReadOnlyList<AttackResult> together = AttackRunner.Run(
            attack,
            problem.Model,
            new AttackRun(problem.Images, problem.Goal(false), 1) { Epsilons = epsilons }
        );
        for (int i = 0; i < epsilons.Length; i++)
        {
            using AttackResult alone = AttackRunner.Run(
                attack with
                {
                    Epsilon = epsilons[i],
                },
                problem.Model,
                problem.Images,
                problem.Goal(false),
                seed: 1
            );
            Assert.Equal(alone.Attempts.ToArray<float>(), together[i].Attempts.ToArray<float>());
        }
    }

    [Fact]
    public void A_zero_gradient_in_L2_is_replaced_by_a_random_direction()
    {
        var model = new ConstantClassifier(s_shape, 3);
        using Tensor images = full([4, 1, 6, 6], 0.5),
            labels = zeros([4], ScalarType.Int64);
        using AttackResult result = AttackRunner.Run(
            new ProjectedGradientDescent
            {
                Norm = Norm.L2,
                Epsilon = 0.5,
                RandomStart = false,
            },
            model,
            images,
            Goal.Untargeted(labels),
            seed: 1
        );
        using Tensor change = result.Attempts.sub(images);
        Assert.All(Norm.L2.Of(change).ToArray<float>(), size => Assert.InRange(size, 0.05, 0.500001));
    }

    [Fact]
    public void The_settings_of_the_Defense_GAN_paper_saturate_pixels_and_succeed()
    {
        var model = new SmallNetwork(s_shape, 5, seed: 3);
        using var random = new Generator(4);
        using Tensor images = rand([20, 1, 6, 6], generator: random);
        var goal = Goal.Untargeted(((IClassifier)model).Predict(images));
        var attack = new CarliniWagnerL2
        {
            SearchSteps = 1,
            Iterations = 100,
            LearningRate = 10,
            InitialConstant = 100,
        };
        using AttackResult coarse = AttackRunner.Run(attack, model, images, goal, seed: 1);
        using AttackResult fine = AttackRunner.Run(
            new CarliniWagnerL2 { Iterations = 200 },
            model,
            images,
            goal,
            seed: 1
        );
        Assert.Contains(true, coarse.Succeeded);
        Assert.All(fine.Succeeded, Assert.True);
        Assert.True(coarse.L2.Max() > 5 * fine.L2.Average());
    }

    [Fact]
    public void Carlini_and_Wagner_move_black_and_white_pixels_and_keep_their_confidence()
    {
        var model = new LinearClassifier(s_shape, 2, seed: 2);
        using Tensor half = arange(72, ScalarType.Int64).reshape(2, 1, 6, 6).to(ScalarType.Float32);
        using Tensor images = half.sub(half.div(2.0).add(-0.25).round().mul(2.0));
        Assert.Equal([0f, 1f], images.ToArray<float>().Distinct().Order());
        using Tensor labels = ((IClassifier)model).Predict(images);
        using AttackResult result = AttackRunner.Run(
            new CarliniWagnerL2
            {
                Confidence = 2,
                SearchSteps = 6,
                Iterations = 1000,
                LearningRate = 0.1,
            },
            model,
            images,
            Goal.Untargeted(labels),
            seed: 1
        );
        Assert.All(result.Succeeded, Assert.True);
        Assert.All(
            AttackLoss.Margin(Goal.Untargeted(labels))(model.Logits(result.Images)).ToArray<float>(),
            margin => Assert.InRange(margin, 2, 3)
        );
    }

    /// <summary>Returns its input.</summary>
    private sealed class Canary(Norm norm) : IBudgetAttack<IClassifier>
    {
        public string Name => "canary";

        public Norm Norm => norm;

        public double Epsilon => double.PositiveInfinity;

        public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => batch.Images;

        public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons) =>
            [.. epsilons.Select(_ => batch.Images)];
    }
}
