using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Attacks.ScoreBased;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Strength;

/// <summary>Attacks within a budget are as strong as the budget allows.</summary>
public class BudgetStrengthTests
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
            new AutoAttack { Norm = Norm.L1, Queries = 20 },
            new SquareAttack { Queries = 1000 }
        );

    [Theory]
    [MemberData(nameof(BudgetAttacks))]
    public void A_budget_attack_succeeds_exactly_where_its_budget_allows(IBudgetAttack<IClassifier> attack)
    {
        StrengthChecks.SucceedsWhereTheBudgetAllows(attack, targeted: false);
        StrengthChecks.SucceedsWhereTheBudgetAllows(attack, targeted: true);
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

        int[] pgd = Successes(new ProjectedGradientDescent());
        int[] fgsm = Successes(new FastGradientSign());
        Assert.Equal(pgd.Order(), pgd);
        Assert.All(
            pgd.Zip(fgsm),
            pair =>
                Assert.True(pair.First >= pair.Second, $"PGD {string.Join(' ', pgd)}, FGSM {string.Join(' ', fgsm)}")
        );
        Assert.Equal((0, 100), (pgd[0], pgd[^1]));
        Assert.InRange(pgd[3], 10, 95);
    }
}
