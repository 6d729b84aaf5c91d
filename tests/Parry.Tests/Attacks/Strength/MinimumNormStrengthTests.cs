using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Attacks.DecisionBased;
using Parry.Attacks.ScoreBased;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Runtime;

namespace Parry.Tests.Attacks.Strength;

/// <summary>Attacks that minimize come near the smallest perturbation.</summary>
public class MinimumNormStrengthTests
{
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
                SearchSteps = 6,
                AbortEarly = false,
            },
            new CarliniWagnerLinf
            {
                Decrease = 0.97,
                LearningRate = 1e-3,
                Iterations = 200,
            },
            new Lbfgs { SearchSteps = 14, Iterations = 200 },
            new AugmentedLagrangian { Steps = 200, Alpha = 0.5 },
            PrimalDual(Norm.Linf),
            PrimalDual(Norm.L2)
        );

    [Theory]
    [MemberData(nameof(MinimumNormAttacks))]
    public void A_minimizing_attack_comes_within_5_percent_of_the_smallest_perturbation(IAttack<IClassifier> attack)
    {
        StrengthChecks.ComesNearTheOptimum(attack, targeted: false, classes: 5);
        StrengthChecks.ComesNearTheOptimum(attack, targeted: true, classes: 2);
    }

    // With more classes they may settle at the boundary to another class than the nearest.
    public static TheoryData<IAttack<IClassifier>> WithTwoClasses { get; } =
        new(
            new BrendelBethge { Steps = 80 },
            new BrendelBethge { Norm = Norm.Linf, Steps = 80 },
            new BrendelBethge { Norm = Norm.L1, Steps = 80 },
            PrimalDual(Norm.L1),
            new AugmentedLagrangian
            {
                Norm = Norm.L1,
                Steps = 200,
                FirstLength = 0.1,
            }
        );

    [Theory]
    [MemberData(nameof(WithTwoClasses))]
    public void Of_two_classes_they_come_within_5_percent_of_the_smallest_perturbation(IAttack<IClassifier> attack)
    {
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
        StrengthChecks.ComesNearTheOptimum(new RayS { Queries = 1000 }, targeted, classes: 2);
        StrengthChecks.ComesNearTheOptimum(new SignOpt { Queries = 3000, Directions = 100 }, targeted, classes: 2);
        StrengthChecks.ComesNearTheOptimum(new SurFree { Queries = 1500, Frequencies = 1 }, targeted, classes: 2);
        foreach (Norm norm in new[] { Norm.L2, Norm.Linf, Norm.L1 })
            StrengthChecks.ComesNearTheOptimum(new GeoDa { Norm = norm }, targeted, classes: 2);
    }

    public static TheoryData<IAttack<IClassifier>> SmallestByScores { get; } =
        new(
            new ZerothOrder { Iterations = 200, SearchSteps = 5 },
            new ZerothOrder
            {
                Iterations = 300,
                SearchSteps = 5,
                Coordinates = 12,
                Tanh = true,
                LearningRate = 0.05,
            },
            new ZerothOrder
            {
                Iterations = 200,
                SearchSteps = 5,
                Solver = ZooSolver.Newton,
                LearningRate = 0.1,
            },
            new AutoZoom
            {
                Side = 6,
                Steps = 1000,
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
                new SigmaZero { Steps = 200 },
                new BrendelBethge
                {
                    Norm = Norm.L0,
                    Steps = 200,
                    Radius = 0.01,
                },
                new PrimalDualDescent
                {
                    Norm = Norm.L0,
                    Steps = 300,
                    Step = 0.5,
                },
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

                // A walk along the boundary may end with two pixels of which neither can go back alone.
                int spare = attack is BrendelBethge ? 1 : 0;
                Assert.True(
                    result.L0[i] >= Least(0) && result.L0[i] <= Least(0.05) + spare,
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

    private static PrimalDualDescent PrimalDual(Norm norm) =>
        new()
        {
            Norm = norm,
            Steps = 200,
            Step = 0.02,
            Ratio = 0.1,
        };
}
