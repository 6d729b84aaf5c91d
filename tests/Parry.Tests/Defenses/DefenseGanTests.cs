using Parry.Catalogs;
using Parry.Defenses;
using Parry.Defenses.Purifiers;
using Parry.Generative.Gans;
using Parry.Models;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public class DefenseGanTests
{
    private static readonly ImageShape s_shape = new(1, 12, 12);

    [Fact]
    public void An_image_that_the_generator_draws_is_found_again()
    {
        using var scope = NewDisposeScope();
        using ImageGenerator generator = SmallGenerator();
        using var random = new Generator(2);
        Tensor drawn = generator.Generate(randn([6, 4], generator: random));
        Purified found = new DefenseGan(generator)
        {
            Steps = 300,
            Restarts = 10,
            LearningRate = 200,
        }.Purify(drawn, Draws(6));
        double spread = drawn.sub(drawn.mean([0], true)).pow(2.0).mean().Item();
        Assert.True(
            found.Errors.amax([0]).Item() < spread / 50,
            $"errors up to {found.Errors.amax([0]).Item()} at a spread of {spread}"
        );
    }

    [Fact]
    public void The_errors_are_the_mean_squared_differences_and_more_restarts_never_raise_them()
    {
        using var scope = NewDisposeScope();
        using ImageGenerator generator = SmallGenerator();
        Tensor images = Images(5);
        Purified few = new DefenseGan(generator) { Steps = 20, Restarts = 2 }.Purify(images, Draws(5));
        Purified many = new DefenseGan(generator) { Steps = 20, Restarts = 8 }.Purify(images, Draws(5));
        float[] expected = few.Images.sub(images).pow(2.0).mean([1, 2, 3]).ToArray<float>();
        Assert.All(expected.Zip(few.Errors.ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.All(
            few.Errors.ToArray<float>().Zip(many.Errors.ToArray<float>()),
            pair => Assert.True(pair.Second <= pair.First + 1e-6)
        );
        Assert.Contains(
            few.Errors.ToArray<float>().Zip(many.Errors.ToArray<float>()),
            pair => pair.Second < pair.First - 1e-6
        );
    }

    [Fact]
    public void A_batch_gives_what_its_images_give_one_by_one()
    {
        using var scope = NewDisposeScope();
        using ImageGenerator generator = SmallGenerator();
        var defense = new DefenseGan(generator) { Steps = 15, Restarts = 3 };
        Tensor images = Images(4);
        float[] together = defense.Purify(images, Draws(4)).Images.ToArray<float>();
        float[] alone =
        [
            .. Enumerable
                .Range(0, 4)
                .SelectMany(i =>
                    defense
                        .Purify(images.slice(0, i, i + 1, 1), new SampleRandom(7, new long[] { i }))
                        .Images.ToArray<float>()
                ),
        ];
        Assert.All(together.Zip(alone), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void The_same_seed_gives_the_same_images_and_another_seed_gives_others()
    {
        using var scope = NewDisposeScope();
        using ImageGenerator generator = SmallGenerator();
        var defense = new DefenseGan(generator) { Steps = 10, Restarts = 2 };
        Tensor images = Images(3);
        Assert.Equal(
            defense.Purify(images, Draws(3)).Images.ToArray<float>(),
            defense.Purify(images, Draws(3)).Images.ToArray<float>()
        );
        Assert.NotEqual(
            defense.Purify(images, Draws(3)).Images.ToArray<float>(),
            defense.Purify(images, Draws(3).Fork(1)).Images.ToArray<float>()
        );
    }

    [Fact]
    public void Bfloat16_finds_nearly_the_same_errors_and_reports_them_in_float32()
    {
        using var scope = NewDisposeScope();
        using ImageGenerator generator = SmallGenerator();
        Tensor images = Images(4);
        Purified exact = new DefenseGan(generator) { Steps = 40, Restarts = 6 }.Purify(images, Draws(4));
        Purified quick = new DefenseGan(generator)
        {
            Steps = 40,
            Restarts = 6,
            Compute = ScalarType.BFloat16,
        }.Purify(images, Draws(4));
        Assert.Equal(ScalarType.Float32, quick.Images.dtype);
        Assert.All(
            exact.Errors.ToArray<float>().Zip(quick.Errors.ToArray<float>()),
            pair => Assert.Equal(pair.First, pair.Second, 0.1 * pair.First)
        );
    }

    [Fact]
    public void Purifying_leaves_no_tensor_behind_but_its_result()
    {
        using ImageGenerator generator = SmallGenerator();
        using Tensor images = Images(3);
        // What earlier tests left to the collector must not go in between.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Settled.Tensors();
        Purified purified = new DefenseGan(generator) { Steps = 5, Restarts = 2 }.Purify(images, Draws(3));
        Assert.Equal(before + 2, LiveTensors.Count);
        purified.Images.Dispose();
        purified.Errors.Dispose();
    }

    [Fact]
    public void An_attackers_gradient_passes_unchanged_to_the_image_from_where_the_classifier_has_it()
    {
        using var scope = NewDisposeScope();
        using ImageGenerator generator = SmallGenerator();
        var defense = new DefenseGan(generator) { Steps = 10, Restarts = 2 };
        var classifier = new LinearClassifier(s_shape);
        IClassifier known = defense.Protect(classifier, seed: 3);
        Tensor images = Images(3);
        LossGradient seen = known.Gradient(images, logits => logits.mul(logits).sum(1));

        Tensor purified = defense.Purify(images, new SampleRandom(3, new long[] { 0, 1, 2 }).Fork(1)).Images;
        LossGradient bare = ((IClassifier)classifier).Gradient(purified, logits => logits.mul(logits).sum(1));
        Assert.Equal(bare.Gradient.ToArray<float>(), seen.Gradient.ToArray<float>());
        Assert.Equal(bare.Logits.ToArray<float>(), seen.Logits.ToArray<float>());
        Assert.Contains(seen.Gradient.ToArray<float>(), value => value != 0);
    }

    [Fact]
    public void Autograd_through_the_protected_logits_gives_the_same_identity_gradient()
    {
        using var scope = NewDisposeScope();
        using ImageGenerator generator = SmallGenerator();
        var defense = new DefenseGan(generator) { Steps = 10, Restarts = 2 };
        var classifier = new LinearClassifier(s_shape);
        Tensor images = Images(2);
        Tensor followed = images.clone().requires_grad_();
        Tensor byAutograd = Autograd.Grad(defense.Protect(classifier, 3).Logits(followed).pow(2.0).sum(), followed);
        Tensor byMethod = defense.Protect(classifier, 3).Gradient(images, logits => logits.pow(2.0).sum(1)).Gradient;
        Assert.All(
            byAutograd.ToArray<float>().Zip(byMethod.ToArray<float>()),
            pair => Assert.Equal(pair.First, pair.Second, 1e-4)
        );
    }

    [Fact]
    public void Each_call_of_a_run_draws_anew_and_averaging_draws_averages_gradients()
    {
        using var scope = NewDisposeScope();
        using ImageGenerator generator = SmallGenerator();
        var defense = new DefenseGan(generator) { Steps = 8, Restarts = 1 };
        var classifier = new LinearClassifier(s_shape);
        IClassifier single = defense.Protect(classifier, 3);
        var run = Parry.Models.Images.Of(Images(2));
        float[] first = Gradient(single, run);
        float[] second = Gradient(single, run);
        Assert.NotEqual(first, second);
        float[] averaged = Gradient(defense.Protect(classifier, 3, draws: 2), run);
        Assert.All(
            averaged.Zip(first.Zip(second, (a, b) => (a + b) / 2)),
            pair => Assert.Equal(pair.First, pair.Second, 1e-4)
        );

        static float[] Gradient(IClassifier model, Parry.Models.Images shown) =>
            model.Gradient(shown, logits => logits.mul(logits).sum(1)).Gradient.ToArray<float>();
    }

    [Fact]
    public void Draws_belong_to_samples_whatever_rows_they_are_in()
    {
        using var scope = NewDisposeScope();
        using ImageGenerator generator = SmallGenerator();
        ProtectedClassifier model = new DefenseGan(generator) { Steps = 8, Restarts = 1 }.Protect(
            new LinearClassifier(s_shape),
            3
        );
        Tensor images = Images(3);
        float[] all = model.Logits(new Parry.Models.Images(images, new long[] { 0, 1, 2 })).ToArray<float>();
        float[] last = model
            .Logits(new Parry.Models.Images(images.slice(0, 2, 3, 1), new long[] { 2 }))
            .ToArray<float>();
        Assert.All(all.TakeLast(last.Length).Zip(last), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Theory]
    [InlineData("defense-gun", "defense-gan")]
    [InlineData("defense-gan:x=1", "attack-l")]
    [InlineData("defense-gan:l=0", "at least 1")]
    [InlineData("defense-gan:l=-5", "at least 1")]
    [InlineData("defense-gan:rate=NaN", "at least 0")]
    [InlineData("defense-gan:init=zero", "prior or paper")]
    [InlineData("defense-gan:l=5,l=6", "twice")]
    [InlineData("defense-gan:l", "key=value")]
    public void A_defense_that_is_not_valid_is_told_what_is(string text, string told)
    {
        using DefenseContext context = Context();
        var error = Assert.Throws<UserErrorException>(() => Read(text, context));
        Assert.Contains(told, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void The_defense_that_is_read_has_the_papers_defaults_and_the_given_options()
    {
        using DefenseContext context = Context();
        var paper = (DefenseGan)Read("defense-gan", context).Purifier!;
        Assert.Equal(
            new DefenseGan(paper.Generator)
            {
                Steps = 200,
                Restarts = 10,
                LearningRate = 10,
                Momentum = 0.7,
                Start = 1,
            },
            paper
        );
        DefenseSpec given = Read("defense-gan:l=30,r=4,init=paper,attack-l=5,draws=3", context);
        var mine = (DefenseGan)given.Purifier!;
        var theirs = (DefenseGan)given.AttackersPurifier!;
        Assert.Equal(
            new DefenseGan(mine.Generator)
            {
                Steps = 30,
                Restarts = 4,
                Start = DefenseGan.PaperStart,
            },
            mine
        );
        Assert.Equal(
            new DefenseGan(mine.Generator)
            {
                Steps = 5,
                Restarts = 2,
                Start = DefenseGan.PaperStart,
            },
            theirs
        );
        Assert.Equal(3, given.Draws);
    }

    [Fact]
    public void Known_draws_are_the_same_in_every_call_and_those_of_the_purifier()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using ImageGenerator generator = SmallGenerator();
        var purifier = new DefenseGan(generator) { Steps = 4, Restarts = 1 };
        var draws = new SampleRandom(7, new long[] { 0, 1, 2 });
        var classifier = new LinearClassifier(s_shape);
        IClassifier model = purifier.Protect(classifier, draws);
        Tensor images = Images(3);
        float[] purified = ((IClassifier)classifier).Logits(purifier.Purify(images, draws).Images).ToArray<float>();
        Assert.Equal(purified, model.Logits(images).ToArray<float>());
        Assert.Equal(purified, model.Logits(images).ToArray<float>());
    }

    private static DefenseContext Context() => new("checks", s_shape, 3);

    // The generator comes from a file, as on the command line.
    private static DefenseSpec Read(string text, DefenseContext context)
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        string file = Path.Combine(folder, "generator.safetensors");
        try
        {
            using ImageGenerator generator = SmallGenerator();
            ModelFile.Save(
                file,
                generator,
                new ModelDescription
                {
                    Architecture = ImageGenerator.Architecture,
                    Data = "checks",
                    Shape = s_shape,
                    Width = 6,
                    Latent = 4,
                }
            );
            return DefenseCatalog.Parse(
                $"{text}{(text.Contains(':', StringComparison.Ordinal) ? ',' : ':')}gan={file}",
                context
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static ImageGenerator SmallGenerator()
    {
        using var random = new Generator(1);
        return new ImageGenerator(s_shape, random, width: 6, latent: 4);
    }

    private static Tensor Images(int count)
    {
        using var random = new Generator(9);
        return rand([count, 1, 12, 12], generator: random);
    }

    private static SampleRandom Draws(int count) => new(7, Enumerable.Range(0, count).Select(i => (long)i).ToArray());
}
