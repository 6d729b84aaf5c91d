using Parry.Attacks;
using Parry.Attacks.Physical;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Runtime;
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
        IClassifier Wrapped() => new ExpectationOverTransformation(model, 3, seed: 9, noise);
        var numbered = new Parry.Models.Images(images, samples);
        LossGradient mean = Wrapped().Gradient(numbered, s_loss);
        LossGradient[] draws =
        [
            .. Enumerable
                .Range(0, 3)
                .Select(draw =>
                {
                    SampleRandom random = new SampleRandom(9, samples).Fork(1).Fork(draw);
                    return model.GradientThrough(numbered, images, seen => noise(seen, random), s_loss);
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
        Same(probabilities, Wrapped().Probabilities(new Parry.Models.Images(images, samples)));

        // Neither one draw nor the gradient of mean logits gives the same.
        Assert.True(draws[0].Gradient.sub(mean.Gradient).abs().amax([0, 1, 2, 3]).Item() > 1e-2);
    }

    [Fact]
    public void EOT_also_averages_a_model_that_is_random_itself_and_draws_anew_at_each_call_of_a_run()
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
        var run = Parry.Models.Images.Of(images);
        float[] first = noisy.Logits(run).ToArray<float>();
        Assert.NotEqual(first, noisy.Logits(run).ToArray<float>());
        Assert.Equal(first, noisy.Logits(Parry.Models.Images.Of(images)).ToArray<float>());
    }

    [Fact]
    public void Any_attack_runs_through_EOT_and_gives_each_image_what_it_gets_alone()
    {
        var model = new ExpectationOverTransformation(new LinearClassifier(s_shape), 3, seed: 2, new Views().Apply);
        using Tensor images = Images(7);
        using Tensor labels = zeros([7], ScalarType.Int64);
        var attack = new ProjectedGradientDescent { Epsilon = 0.2, Steps = 5 };
        bool[] all = [.. Enumerable.Repeat(true, 7)];
        using AttackResult batch = AttackRunner.Run(
            attack,
            model,
            new AttackRun(images, Goal.Untargeted(labels), 1) { Attacked = all }
        )[0];
        for (int i = 0; i < 7; i++)
        {
            using Tensor image = images.slice(0, i, i + 1, 1);
            using Tensor label = labels.slice(0, i, i + 1, 1);
            using Tensor row = batch.Attempts.slice(0, i, i + 1, 1);
            using AttackResult single = AttackRunner.Run(
                attack,
                model,
                new AttackRun(image, Goal.Untargeted(label), 1) { Attacked = [true], FirstSample = i }
            )[0];
            Assert.All(
                row.ToArray<float>().Zip(single.Attempts.ToArray<float>()),
                pair => Assert.Equal(pair.First, pair.Second, 1e-6)
            );
        }
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

        public Tensor Logits(Images images) => model.Logits(images).mul((double)(++Calls));
    }
}
