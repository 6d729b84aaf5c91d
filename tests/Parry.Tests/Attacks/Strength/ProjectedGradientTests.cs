using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Strength;

/// <summary>Restarts, early stopping, several budgets and starts of projected gradient descent.</summary>
public class ProjectedGradientTests
{
    private static readonly ImageShape s_shape = new(1, 6, 6);

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
        using Tensor images = full([4, 1, 6, 6], 0.5);
        using Tensor labels = zeros([4], ScalarType.Int64);
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
}
