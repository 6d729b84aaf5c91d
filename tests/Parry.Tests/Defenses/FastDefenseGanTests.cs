using Parry.Attacks;
using Parry.Defenses;
using Parry.Defenses.Breaks;
using Parry.Defenses.Purifiers;
using Parry.Generative.Gans;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public sealed class FastDefenseGanTests : IDisposable
{
    private static readonly ImageShape s_shape = new(1, 8, 8);

    private readonly ImageGenerator _generator;
    private readonly PriorSamples _samples;

    public FastDefenseGanTests()
    {
        using var random = new Generator(1);
        _generator = new ImageGenerator(s_shape, random, width: 6, latent: 4);
        _samples = new PriorSamples(_generator, 200, seed: 2);
    }

    [Fact]
    public void The_starts_are_the_nearest_samples_nearest_first()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(3, seed: 3);
        float[][] found = [.. _samples.Nearest(images, 5).ToArray<float>().Chunk(4)];
        using var random = new Generator(2);
        Tensor latents = randn([200, 4], generator: random);
        Tensor drawn = _generator.Generate(latents);
        float[][] all = [.. latents.ToArray<float>().Chunk(4)];
        for (int image = 0; image < 3; image++)
        {
            float[] distances = drawn
                .sub(images.slice(0, image, image + 1, 1))
                .pow(2.0)
                .sum([1, 2, 3])
                .ToArray<float>();
            int[] nearest = [.. Enumerable.Range(0, 200).OrderBy(i => distances[i]).Take(5)];
            Assert.Equal(nearest.Select(i => all[i]), found.Skip(5 * image).Take(5));
        }
    }

    [Fact]
    public void An_image_that_the_generator_draws_is_found_again()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        Tensor drawn = _generator.Generate(randn([6, 4], generator: random));
        Purified purified = (Fast() with { Stages = 30, Tolerance = 0 }).Purify(drawn, Draws(6));
        Assert.All(purified.Errors.ToArray<float>(), error => Assert.InRange(error, 0, 1e-4));
    }

    [Fact]
    public void The_errors_are_the_mean_squared_differences_and_more_stages_never_raise_them()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(5, seed: 5);
        float[]? before = null;
        foreach (int stages in new[] { 1, 2, 4, 8 })
        {
            Purified purified = (Fast() with { Stages = stages }).Purify(images, Draws(5));
            float[] errors = purified.Errors.ToArray<float>();
            Assert.Equal(purified.Images.sub(images).pow(2.0).mean([1, 2, 3]).ToArray<float>(), errors);
            if (before is not null)
                Assert.All(
                    errors.Zip(before),
                    pair =>
                        Assert.True(
                            pair.First <= pair.Second + 1e-6,
                            $"{pair.First} after more stages, {pair.Second} before"
                        )
                );
            before = errors;
        }
    }

    [Fact]
    public void It_comes_as_near_as_many_random_descents()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(10, seed: 6);
        double fast = (Fast() with { Stages = 10 }).Purify(images, Draws(10)).Errors.mean().Item();
        double random = new DefenseGan(_generator)
        {
            Steps = 200,
            Restarts = 10,
            LearningRate = 1,
        }
            .Purify(images, Draws(10))
            .Errors.mean()
            .Item();
        Assert.True(fast < random * 1.1, $"{fast} from the nearest samples, {random} from random starts");
    }

    [Fact]
    public void A_batch_gives_what_its_images_give_one_by_one_and_nothing_is_random()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(5, seed: 7);
        float[] all = Fast().Purify(images, Draws(5)).Images.ToArray<float>();
        float[] singles =
        [
            .. Enumerable
                .Range(0, 5)
                .SelectMany(i =>
                    Fast()
                        .Purify(images.slice(0, i, i + 1, 1), new SampleRandom(9, new long[] { i }))
                        .Images.ToArray<float>()
                ),
        ];
        Assert.All(all.Zip(singles), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
    }

    [Fact]
    public void The_attack_on_the_manifold_gives_images_that_the_generator_draws_and_that_fool()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = new Generator(8);
        var classifier = new LinearClassifier(s_shape);
        Tensor images = _generator.Generate(randn([20, 4], generator: random));
        Tensor labels = ((IClassifier)classifier).Predict(images);
        var attack = new OnManifold(_generator, classifier)
        {
            Starts = 3,
            ProjectionSteps = 60,
            Steps = 60,
            Searches = 4,
            Confidence = 0.001,
        };
        AttackResult result = AttackRunner.Run(
            attack,
            (IClassifier)classifier,
            images,
            Goal.Untargeted(labels),
            seed: 1
        );
        long[] fooled = [.. Enumerable.Range(0, 20).Where(i => result.Succeeded[i]).Select(i => (long)i)];
        Assert.NotEmpty(fooled);
        Tensor adversarial = result.Images.index_select(0, tensor(fooled));
        Purified projected = (Fast() with { Stages = 30, Tolerance = 0 }).Purify(adversarial, Draws(fooled.Length));
        Assert.All(projected.Errors.ToArray<float>(), error => Assert.InRange(error, 0, 2e-4));
        Assert.All(fooled, i => Assert.True(result.L2[i] > 0));
    }

    public void Dispose()
    {
        _samples.Dispose();
        _generator.Dispose();
    }

    private FastDefenseGan Fast() => new(_generator, _samples);

    private static SampleRandom Draws(int count) => new(1, Enumerable.Range(0, count).Select(i => (long)i).ToArray());

    private static Tensor Images(int count, long seed)
    {
        using var random = new Generator((ulong)seed);
        return rand([count, 1, 8, 8], generator: random);
    }
}
