using Parry.Generative.Gans.Style;
using Parry.Models.Architectures;
using Parry.Runtime;
using TorchSharp;
using static Parry.Tests.Generative.GanCheckpoints;
using static TorchSharp.torch;

namespace Parry.Tests.Generative;

public class StyleGanTests
{
    private static readonly ImageShape s_shape = new(1, 28, 28);

    [Theory]
    [InlineData(1)]
    [InlineData(0.01)]
    public void Equalized_layers_give_standard_normal_outputs_times_the_gain_whatever_their_size_and_rate(double rate)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        foreach (int inputs in new[] { 16, 400 })
        {
            using var layer = new Equalized([300, inputs], random, gain: 2, rate: rate);
            Assert.InRange(
                layer.forward(randn([200, inputs], generator: random)).pow(2.0).mean().sqrt().Item(),
                1.8,
                2.2
            );
            Assert.InRange(layer.Parameters().First().Value.pow(2.0).mean().sqrt().Item() * rate, 0.9, 1.1);
        }
    }

    [Fact]
    public void A_style_scales_and_shifts_each_channel()
    {
        using var scope = NewDisposeScope();
        Tensor maps = tensor(new float[] { 1f, 2, 3, 4 }, [1, 2, 1, 2]);
        Tensor style = tensor(new float[] { 1f, -1, 10, 20 }, [1, 4]);
        Assert.Equal([12, 14, 20, 20], StyleLayer.Modulate(maps, style).contiguous().ToArray<float>());
    }

    [Fact]
    public void Noise_has_no_effect_before_training()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2);
        using var generator = new StyleGenerator(s_shape, 4, 8, random);
        Tensor styles = generator.Map(randn([3, 8], generator: random));
        float[] quiet = generator.Draw(styles, 3, 1).contiguous().ToArray<float>();
        foreach (
            var (name, buffer) in generator.Buffers().Where(b => b.Key.StartsWith("noise", StringComparison.Ordinal))
        )
            buffer.mul_(5.0);
        Assert.Equal(quiet, generator.Draw(styles, 3, 1).contiguous().ToArray<float>());

        foreach (
            var (name, scale) in generator.Parameters().Where(p => p.Key.EndsWith(".noise", StringComparison.Ordinal))
        )
            scale.add_(1.0);
        Assert.NotEqual(quiet, generator.Draw(styles, 3, 1).contiguous().ToArray<float>());
    }

    [Fact]
    public void Truncation_by_zero_draws_the_mean_image_and_by_one_changes_nothing()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        using var generator = new StyleGenerator(s_shape, 4, 8, random);
        generator.Train(random);
        for (int i = 0; i < 5; i++)
            generator.Map(randn([16, 8], generator: random));
        generator.eval();
        Tensor styles = generator.Map(randn([3, 8], generator: random));
        Tensor mean = generator.Buffers().Single(b => b.Key == "average").Value;
        Tensor none = generator.Draw(generator.Truncate(styles, 0), 3, 1);
        Tensor average = generator.Draw(mean.reshape(1, 1, 8).expand(3, 8, 8), 3, 1);
        Close(average, none);
        Close(none.slice(0, 0, 1, 1), none.slice(0, 2, 3, 1));
        Close(styles, generator.Truncate(styles, 1));
        Assert.True(mean.abs().sum().Item() > 0);
    }

    [Fact]
    public void Mixing_swaps_the_later_layers_only()
    {
        using var scope = NewDisposeScope();
        Tensor mixed = StyleGenerator.Mix(zeros([1, 8, 2]), ones([1, 8, 2]), 3);
        Assert.Equal([0, 0, 0, 1, 1, 1, 1, 1], mixed.select(2, 0).flatten(0).ToArray<float>());

        using var random = new Generator(4);
        using var generator = new StyleGenerator(s_shape, 4, 8, random);
        Tensor first = generator.Map(randn([2, 8], generator: random));
        Tensor second = generator.Map(randn([2, 8], generator: random));

        // What is drawn at 8x8 takes the first four layers.
        Close(generator.Draw(first, 1, 1), generator.Draw(StyleGenerator.Mix(first, second, 4), 1, 1));
        Assert.NotEqual(
            generator.Draw(first, 2, 1).contiguous().ToArray<float>(),
            generator.Draw(StyleGenerator.Mix(first, second, 4), 2, 1).contiguous().ToArray<float>()
        );
    }

    [Fact]
    public void A_level_that_is_not_faded_in_yet_changes_neither_image_nor_score()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        using var generator = new StyleGenerator(new ImageShape(1, 32, 32), 4, 8, random);
        using var discriminator = new StyleDiscriminator(1, 4, random);
        Tensor styles = generator.Map(randn([4, 8], generator: random));
        for (int level = 1; level <= 3; level++)
        {
            int size = 4 << level;
            Tensor before = generator.Draw(styles, level - 1, 1);
            Close(nn.functional.interpolate(before, [size, size]), generator.Draw(styles, level, 0));
            Tensor images = rand([4, 1, size, size], generator: random);
            Close(
                discriminator.Score(nn.functional.avg_pool2d(images, [2, 2], [2, 2]), level - 1, 1),
                discriminator.Score(images, level, 0)
            );
        }

        Assert.Equal([4, 1, 32, 32], generator.Draw(styles, 3, 0.5).shape);
        Assert.Equal(generator.State().Sum(entry => entry.Value.numel()), StyleGenerator.CountOf(1, 4, 8));
    }

    [Fact]
    public void R1_is_the_squared_slope_that_finite_differences_find_and_has_their_gradients()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(6);
        using var discriminator = new StyleDiscriminator(1, 2, random);
        discriminator.to(ScalarType.Float64);
        Tensor images = rand([2, 1, 8, 8], generator: random).to(ScalarType.Float64);
        const double Small = 1e-6;
        double squares = 0;
        for (int pixel = 0; pixel < 128; pixel++)
        {
            var change = new double[128];
            change[pixel] = Small;
            Tensor delta = tensor(change, [2, 1, 8, 8]);
            double slope =
                (
                    discriminator.Score(images.add(delta), 1, 1).sum().Item()
                    - discriminator.Score(images.sub(delta), 1, 1).sum().Item()
                ) / (2 * Small);
            squares += slope * slope;
        }

        double penalty = discriminator.R1(images, 1, 1, 10).Item();
        Assert.Equal(5 * squares / 2, penalty, 1e-5 * penalty);

        discriminator.RequireGrad();
        Tensor weight = discriminator.Parameters().Single(p => p.Key == "first2.weight").Value;
        double gradient = Autograd.Grad(discriminator.R1(images, 1, 1, 10), weight).flatten(0).select(0, 0).Item();
        discriminator.RequireGrad(false);
        double At(double by)
        {
            weight.flatten(0).slice(0, 0, 1, 1).add_(by);
            double value = discriminator.R1(images, 1, 1, 10).Item();
            weight.flatten(0).slice(0, 0, 1, 1).add_(-by);
            return value;
        }

        Assert.Equal((At(Small) - At(-Small)) / (2 * Small), gradient, 1e-4 * (1 + Math.Abs(gradient)));
    }

    [Fact]
    public void Training_grows_by_fifths()
    {
        var recipe = new StyleGan { Iterations = 100 };
        Assert.Equal(
            [(1, 1), (1, 1), (2, 0), (2, 0.5), (2, 1), (2, 1), (3, 0), (3, 0.5), (3, 1), (3, 1)],
            Enumerable.Range(0, 10).Select(i => recipe.At(10 * i))
        );
    }

    [Fact]
    public void A_resumed_training_goes_on_bit_for_bit_through_growth()
    {
        using var random = new Generator(7);
        using Tensor uniform = rand([16, 1, 28, 28], generator: random);
        using Tensor scaled = uniform.mul(255.0);
        using Tensor images = scaled.to(ScalarType.Byte);
        var recipe = new StyleGan
        {
            Width = 4,
            Latent = 8,
            Iterations = 10,
            BatchSize = 8,
        };
        using var straight = new StyleGanTrainer(recipe, images);
        using var resumed = new StyleGanTrainer(recipe, images);
        for (int i = 0; i < 10; i++)
        {
            Assert.True(straight.Step().IsFinite);
            if (i == 4)
                Go(straight, resumed);
        }

        for (int i = 5; i < 10; i++)
            resumed.Step();
        Assert.Equal(Bytes(straight), Bytes(resumed));
        using Tensor samples = straight.Samples(3);
        using Tensor mixed = straight.MixingSheet();
        using Tensor truncated = straight.TruncationSheet();
        Assert.Equal([3, 1, 28, 28], samples.shape);
        Assert.Equal([100, 1, 28, 28], mixed.shape);
        Assert.Equal([100, 1, 28, 28], truncated.shape);
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange(expected.sub(actual).abs().flatten(0).amax([0]).Item(), 0, 1e-5);
    }
}
