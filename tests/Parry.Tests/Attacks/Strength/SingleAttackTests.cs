using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Runtime;
using Xunit.Sdk;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Strength;

/// <summary>What single attacks promise beside strength.</summary>
public class SingleAttackTests
{
    private static readonly ImageShape s_shape = new(1, 6, 6);

    [Fact]
    public void JSMA_takes_the_best_of_all_pairs()
    {
        const int count = 20;
        var random = new Random(7);
        foreach (int values in new[] { 2, 3, 16, 61, 200 })
        {
            for (int i = 0; i < count; i++)
            {
                float[] a = [.. Enumerable.Range(0, values).Select(_ => (float)(random.NextDouble() - 0.7))];
                float[] b = [.. Enumerable.Range(0, values).Select(_ => (float)(random.NextDouble() - 0.3))];
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

    [Theory]
    [InlineData(Norm.L2, 36)]
    [InlineData(Norm.L0, 6)]
    public void OptMargin_stays_adversarial_around_its_images_and_Carlini_and_Wagner_do_not(Norm norm, int mostPixels)
    {
        var problem = new LinearProblem(Norm.L2, classes: 2, count: 12, seed: 6);
        Goal goal = problem.Goal(false);
        double Around(IAttack<IClassifier> attack, out float pixels)
        {
            using AttackResult result = AttackRunner.Run(attack, problem.Model, problem.Images, goal, seed: 1);
            Assert.All(result.Succeeded, Assert.True);
            using var random = new Generator(9);
            using Tensor noise = randn([200, 12, 1, 6, 6], generator: random).mul(0.02);
            using Tensor near = result.Images.add(noise).clamp(0.0, 1.0).flatten(0, 1);
            using Tensor labels = goal.Labels.repeat(200);
            using Tensor reached = Goal.Untargeted(labels)
                .IsReached(((IClassifier)problem.Model).Predict(near))
                .to(ScalarType.Float32)
                .mean();
            pixels = Norm.L0.Of(result.Images - problem.Images).ToArray<float>().Max();
            return reached.Item();
        }

        IAttack<IClassifier> atTheBoundary =
            norm == Norm.L2 ? new CarliniWagnerL2 { Iterations = 300 } : new CarliniWagnerL0 { InitialConstant = 1 };
        Assert.InRange(Around(atTheBoundary, out _), 0.4, 0.7);
        var optMargin = new OptMargin
        {
            Norm = norm,
            Points = 20,
            Radius = 0.02,
            Iterations = 100,
        };
        Assert.InRange(Around(optMargin, out float pixels), 0.9, 1);
        Assert.InRange(pixels, 1, mostPixels);
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
}
