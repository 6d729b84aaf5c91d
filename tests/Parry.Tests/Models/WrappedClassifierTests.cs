using Parry.Attacks;
using Parry.Attacks.Physical;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public class WrappedClassifierTests
{
    private static readonly ImageShape s_shape = new(1, 6, 6);
    private static readonly Func<Tensor, Tensor> s_loss = logits => logits.log_softmax(-1).slice(1, 0, 1, 1).squeeze(1);

    [Fact]
    public void EOT_averages_the_gradients_of_the_loss_and_the_probabilities()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        IClassifier model = new LinearClassifier(s_shape);
        Tensor images = Images(4);
        long[] samples = [5, 6, 7, 8];
        Func<Tensor, SampleRandom, Tensor> noise = ExpectationOverTransformation.Noise(0.3);
        IClassifier Wrapped() =>
            new ExpectationOverTransformation(model, 3, seed: 9, noise).For(samples) as IClassifier
            ?? throw new InvalidOperationException();
        LossGradient mean = Wrapped().Gradient(images, s_loss);
        LossGradient[] draws =
        [
            .. Enumerable
                .Range(0, 3)
                .Select(draw =>
                {
                    SampleRandom random = new SampleRandom(9, samples).Fork(1).Fork(draw);
                    return model.GradientThrough(images, seen => noise(seen, random), s_loss);
                }),
        ];
        Same(draws[0].Gradient.add(draws[1].Gradient).add(draws[2].Gradient).div(3.0), mean.Gradient);
        Same(draws[0].Losses.add(draws[1].Losses).add(draws[2].Losses).div(3.0), mean.Losses);
        Tensor probabilities = draws[0]
            .Logits.softmax(-1)
            .add(draws[1].Logits.softmax(-1))
            .add(draws[2].Logits.softmax(-1))
            .div(3.0);
        Same(probabilities, mean.Logits.softmax(-1));
        Same(probabilities, Wrapped().Probabilities(images));

        // Neither one draw nor the gradient of mean logits gives the same.
        Assert.True(draws[0].Gradient.sub(mean.Gradient).abs().amax([0, 1, 2, 3]).ToDouble() > 1e-2);
    }

    [Fact]
    public void EOT_also_averages_a_model_that_is_random_itself_and_draws_anew_at_each_call()
    {
        using var scope = NewDisposeScope();
        var dice = new Dice(new LinearClassifier(s_shape));
        IClassifier model = new ExpectationOverTransformation(dice, 4, seed: 1);
        Tensor images = Images(2);
        Tensor expected = ((IClassifier)new LinearClassifier(s_shape))
            .Gradient(images, logits => logits.sum(1))
            .Gradient.mul((1 + 2 + 3 + 4) / 4.0);
        Same(expected, model.Gradient(images, logits => logits.sum(1)).Gradient);
        Assert.Equal(4, dice.Calls);

        var noisy = new ExpectationOverTransformation(
            new LinearClassifier(s_shape),
            1,
            seed: 1,
            ExpectationOverTransformation.Noise(0.1)
        );
        Assert.NotEqual(noisy.Logits(images).ToArray<float>(), noisy.Logits(images).ToArray<float>());
    }

    [Fact]
    public void Any_attack_runs_through_EOT_and_gives_each_image_what_it_gets_alone()
    {
        var model = new ExpectationOverTransformation(new LinearClassifier(s_shape), 3, seed: 2, new Views().Apply);
        using Tensor images = Images(7),
            labels = zeros([7], ScalarType.Int64);
        var attack = new ProjectedGradientDescent { Epsilon = 0.2, Steps = 5 };
        bool[] all = [.. Enumerable.Repeat(true, 7)];
        using AttackResult batch = AttackRunner.Run(
            attack,
            model,
            images,
            Goal.Untargeted(labels),
            seed: 1,
            attacked: all
        );
        for (int i = 0; i < 7; i++)
        {
            using Tensor image = images.slice(0, i, i + 1, 1),
                label = labels.slice(0, i, i + 1, 1),
                row = batch.Attempts.slice(0, i, i + 1, 1);
            using AttackResult single = AttackRunner.Run(
                attack,
                model,
                image,
                Goal.Untargeted(label),
                seed: 1,
                attacked: [true],
                firstSample: i
            );
            Assert.All(
                row.ToArray<float>().Zip(single.Attempts.ToArray<float>()),
                pair => Assert.Equal(pair.First, pair.Second, 1e-6)
            );
        }
    }

    [Fact]
    public void Any_attack_passes_a_rounding_by_BPDA_that_has_no_gradient_of_its_own()
    {
        IClassifier model = new LinearClassifier(s_shape);
        static Tensor Rounded(Tensor images) => images.mul(4.0).round().div(4.0);
        var approximated = new BackwardPassApproximation(model, Rounded);
        var masked = new BackwardPassApproximation(model, Rounded, images => images.mul(0.0));
        using Tensor images = Images(20),
            labels = ((IClassifier)approximated).Predict(images);
        var attack = new ProjectedGradientDescent { Epsilon = 0.2, RandomStart = false };
        int Successes(IClassifier attacked) =>
            AttackRunner.Run(attack, attacked, images, Goal.Untargeted(labels), seed: 1).Succeeded.Count(s => s);
        Assert.Equal(20, Successes(approximated));
        Assert.Equal(0, Successes(masked));
    }

    [Fact]
    public void BPDA_shows_the_preprocessed_image_and_differentiates_the_substitute()
    {
        using var scope = NewDisposeScope();
        IClassifier model = new LinearClassifier(s_shape);
        Tensor images = Images(3);
        Tensor seen = images.round(),
            slope = model.Gradient(seen, s_loss).Gradient;
        IClassifier identity = new BackwardPassApproximation(model, x => x.round()),
            square = new BackwardPassApproximation(model, x => x.round(), x => x.mul(x));
        Assert.Equal(model.Logits(seen).ToArray<float>(), identity.Logits(images).ToArray<float>());
        Same(slope, identity.Gradient(images, s_loss).Gradient);
        Same(slope.mul(images).mul(2.0), square.Gradient(images, s_loss).Gradient);

        // The same through autograd, without the method.
        Tensor input = images.detach().requires_grad_();
        Same(slope.mul(images).mul(2.0), Autograd.Grad(s_loss(square.Logits(input)).sum(), input));
    }

    private static void Same(Tensor expected, Tensor actual) =>
        Assert.All(
            expected.ToArray<float>().Zip(actual.ToArray<float>()),
            pair => Assert.Equal(pair.First, pair.Second, 1e-4)
        );

    private static Tensor Images(int count)
    {
        using var random = new Generator(4);
        return rand([count, 1, 6, 6], generator: random);
    }

    /// <summary>Multiplies its logits by 1, 2, 3, …, another at each call.</summary>
    private sealed class Dice(IClassifier model) : IClassifier
    {
        public int Calls { get; private set; }

        public ImageShape Shape => model.Shape;

        public int Classes => model.Classes;

        public Tensor Logits(Tensor images) => model.Logits(images).mul((double)(++Calls));
    }
}
