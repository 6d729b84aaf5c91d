using Parry.Generative.Gans;
using Parry.Runtime;
using static Parry.Tests.Generative.GanCheckpoints;
using static TorchSharp.torch;

namespace Parry.Tests.Generative;

public class GanTrainerTests
{
    public static TheoryData<GanKind> Kinds => [.. Enum.GetValues<GanKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_resumed_training_goes_on_bit_for_bit_running_statistics_included(GanKind kind)
    {
        using Tensor images = Toy(40, i => (byte)(i * 6));
        using Tensor labels = tensor(Array.ConvertAll([.. Enumerable.Range(0, 40)], i => (long)(i % 2)));
        using var straight = new GanFamilyTrainer(Tiny(kind), images, labels, 2);
        using var broken = new GanFamilyTrainer(Tiny(kind), images, labels, 2);
        using var resumed = new GanFamilyTrainer(Tiny(kind), images, labels, 2);
        for (int i = 0; i < 4; i++)
            straight.Step();
        for (int i = 0; i < 2; i++)
            broken.Step();
        Go(broken, resumed);
        Assert.Equal(2, resumed.Iteration);
        for (int i = 0; i < 2; i++)
            resumed.Step();

        Assert.Equal(Bytes(straight), Bytes(resumed));
        Assert.NotEqual(Bytes(broken), Bytes(resumed));
    }

    [Fact]
    public void A_checkpoint_made_with_another_number_of_threads_is_refused()
    {
        using Tensor images = Toy(40, _ => 100);
        using var one = new GanFamilyTrainer(Tiny(GanKind.Gan), images);
        using var other = new GanFamilyTrainer(Tiny(GanKind.Gan), images);
        int threads = get_num_threads();
        string file = Path.GetTempFileName();
        File.WriteAllBytes(file, Bytes(one));
        try
        {
            TorchLibrary.SetThreads(threads + 1);
            string message = Assert.Throws<UserErrorException>(() => other.Resume(file)).Message;
            Assert.Contains($"--threads {threads}", message, StringComparison.Ordinal);
        }
        finally
        {
            TorchLibrary.SetThreads(threads);
            File.Delete(file);
        }

        Go(one, other);
    }

    [Fact]
    public void A_checkpoint_of_another_recipe_is_refused()
    {
        using Tensor images = Toy(40, _ => 100);
        using var wgan = new GanFamilyTrainer(Tiny(GanKind.Wgan), images);
        foreach (
            GanRecipe other in new[]
            {
                Tiny(GanKind.Gan),
                Tiny(GanKind.Wgan) with
                {
                    Seed = 9,
                },
                Tiny(GanKind.Wgan) with
                {
                    Clip = 0.02,
                },
            }
        )
        {
            using var trainer = new GanFamilyTrainer(other, images);
            var error = Assert.Throws<UserErrorException>(() => Go(wgan, trainer));
            Assert.Contains("checkpoint was made with", error.Message, StringComparison.Ordinal);
        }

        using var longer = new GanFamilyTrainer(Tiny(GanKind.Wgan) with { Iterations = 99 }, images);
        Go(wgan, longer);
    }

    [Fact]
    public void Clipped_weights_stay_within_the_bound_and_reach_it()
    {
        using Tensor images = Toy(40, i => (byte)(i * 6));
        using var trainer = new GanFamilyTrainer(Tiny(GanKind.Wgan), images);
        for (int i = 0; i < 2; i++)
            trainer.Step();
        float[] weights = [.. trainer.DiscriminatorWeights.SelectMany(weight => weight.ToArray<float>())];
        Assert.Equal(0.01f, weights.Max(Math.Abs));
    }

    /// <summary>All images are dark but for one bright quarter: what is drawn comes near.</summary>
    [Theory]
    [InlineData(GanKind.Gan, 2e-3, 140)]
    [InlineData(GanKind.Dcgan, 2e-3, 60)]
    [InlineData(GanKind.Wgan, 1e-3, 200)]
    [InlineData(GanKind.Lsgan, 2e-3, 120)]
    [InlineData(GanKind.Hinge, 2e-3, 120)]
    public void A_small_training_draws_what_all_images_share(GanKind kind, double rate, int steps)
    {
        using var scope = NewDisposeScope();
        using Tensor images = Toy(64, _ => 250);
        using var trainer = new GanFamilyTrainer(
            Tiny(kind) with
            {
                GeneratorRate = rate,
                DiscriminatorRate = rate,
            },
            images
        );
        double before = Distance(trainer, images);
        for (int i = 0; i < steps; i++)
            trainer.Step();
        Assert.InRange(Distance(trainer, images), 0, 0.6 * before);
    }

    [Fact]
    public void Conditional_samples_show_the_classes_in_turn()
    {
        using var scope = NewDisposeScope();
        using Tensor images = Toy(64, i => (byte)(i % 2 == 0 ? 0 : 250));
        using Tensor labels = tensor(Array.ConvertAll([.. Enumerable.Range(0, 64)], i => (long)(i % 2)));
        using var trainer = new GanFamilyTrainer(
            Tiny(GanKind.Cgan) with
            {
                GeneratorRate = 2e-3,
                DiscriminatorRate = 2e-3,
            },
            images,
            labels,
            2
        );
        for (int i = 0; i < 80; i++)
            trainer.Step();
        float[] corner = trainer.Samples(10).slice(2, 0, 14, 1).slice(3, 0, 14, 1).mean([1, 2, 3]).ToArray<float>();
        Assert.True(
            corner.Where((_, i) => i % 2 == 1).Min() > corner.Where((_, i) => i % 2 == 0).Max() + 0.2,
            string.Join(' ', corner)
        );
    }

    [Fact]
    public void A_batch_larger_than_the_images_is_refused()
    {
        using Tensor images = Toy(4, _ => 100);
        Assert.Contains(
            "got 8",
            Assert.Throws<UserErrorException>(() => new GanFamilyTrainer(Tiny(GanKind.Gan), images)).Message,
            StringComparison.Ordinal
        );
    }

    private static GanRecipe Tiny(GanKind kind) => GanRecipe.Of(kind) with { Width = 8, Latent = 6, BatchSize = 8 };

    // The upper left quarter as bright as given, the rest dark.
    private static Tensor Toy(int count, Func<int, byte> bright)
    {
        var pixels = new byte[count * 28 * 28];
        for (int i = 0; i < count; i++)
        {
            for (int y = 0; y < 14; y++)
                pixels.AsSpan((((i * 28) + y) * 28), 14).Fill(bright(i));
        }

        return TensorData.FromBytes(pixels, ScalarType.Byte, count, 1, 28, 28);
    }

    private static double Distance(GanFamilyTrainer trainer, Tensor images) =>
        trainer.Samples(16).sub(images.slice(0, 0, 1, 1).to(ScalarType.Float32).div(255.0)).pow(2.0).mean().Item();
}
