using Parry.Generative.Gans;
using Parry.Models.Architectures;
using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Tests.Generative;

public class GanNetworksTests
{
    private static readonly ImageShape s_mnist = new(1, 28, 28);

    /// <summary>The summaries that Keras prints of the networks.</summary>
    [Theory]
    [InlineData(GanKind.Gan, 1_493_520, 1_489_936, 533_505, 533_505)]
    [InlineData(GanKind.Dcgan, 856_193, 855_809, 393_729, 392_833)]
    [InlineData(GanKind.Wgan, 1_028_673, 1_028_289, 100_097, 99_649)]
    public void They_hold_as_many_numbers_as_published(
        GanKind kind,
        long generator,
        long generatorTrainable,
        long discriminator,
        long discriminatorTrainable
    )
    {
        LayerPlan first = GanNetworks.Generator(kind, s_mnist, 64, 100);
        LayerPlan second = GanNetworks.Discriminator(kind, s_mnist, 64);
        Assert.Equal((generator, generatorTrainable), (first.Total, first.Trainable));
        Assert.Equal((discriminator, discriminatorTrainable), (second.Total, second.Trainable));
    }

    [Fact]
    public void The_small_generator_has_8_16_32_and_64_channels_from_4x4_to_the_image()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        LayerPlan plan = SmallDcgan.Generator(s_mnist, 64, 50);
        int[] channels = [8, 16, 32, 64];
        long linear = (50 + 1) * 8 * 4 * 4;
        long deconvolutions = channels.Zip(channels.Skip(1), (from, to) => ((from * 16L) + 1) * to).Sum();
        long last = (64 * 16) + 1;
        Assert.Equal(50_913, linear + deconvolutions + last + (2 * channels.Sum()));
        Assert.Equal((50_913, 51_153), (plan.Trainable, plan.Total));

        using Sequential network = plan.Build(random);
        var maps = new List<string>();
        Tensor map = zeros([2, 50]);
        foreach (nn.Module<Tensor, Tensor> layer in network.children().Cast<nn.Module<Tensor, Tensor>>())
        {
            map = layer.forward(map);
            if (map.dim() == 4)
                maps.Add(string.Join('x', map.shape.Skip(1)));
        }

        Assert.Equal(["8x4x4", "16x7x7", "32x14x14", "64x28x28"], maps.Distinct().Take(4));
        Assert.Equal("1x28x28", maps[^1]);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_plan_counts_what_it_builds(GanKind kind)
    {
        using var random = new Generator(1);
        foreach (
            LayerPlan plan in new[]
            {
                GanNetworks.Generator(kind, s_mnist, 8, 5, 3),
                GanNetworks.Discriminator(kind, s_mnist, 8, 3),
            }
        )
        {
            using Sequential network = plan.Build(random);
            Assert.Equal(
                (plan.Trainable, plan.Total),
                (network.ParameterCount(), network.State().Sum(entry => entry.Value.numel()))
            );
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Generators_draw_images_in_the_unit_range_that_discriminators_score_in_both_modes(GanKind kind)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2);
        foreach (ImageShape shape in new[] { s_mnist, new ImageShape(3, 32, 24) })
        {
            int classes = kind == GanKind.Cgan ? 4 : 0;
            using Sequential generator = GanNetworks.Generator(kind, shape, 8, 5, classes).Build(random);
            using Sequential discriminator = GanNetworks.Discriminator(kind, shape, 8, classes).Build(random);
            Tensor latents = randn([6, 5], generator: random).mul(10.0);
            Tensor labels = tensor(new long[] { 0L, 1, 2, 3, 0, 1 });
            foreach (bool training in new[] { false, true })
            {
                if (training)
                    generator.Train(random);
                if (training)
                    discriminator.Train(random);
                Tensor images = generator.forward(
                    classes == 0 ? latents : ConditionalGan.Latents(latents, labels, classes)
                );
                Assert.Equal([6, shape.Channels, shape.Height, shape.Width], images.shape);
                float[] values = images.contiguous().ToArray<float>();
                Assert.InRange(values.Min(), 0, 0.5);
                Assert.InRange(values.Max(), 0.5, 1);
                Assert.True(values.Distinct().Count() > 100);
                Assert.Equal(
                    [6, 1],
                    discriminator.forward(classes == 0 ? images : ConditionalGan.Images(images, labels, classes)).shape
                );
            }
        }
    }

    [Fact]
    public void Images_that_do_not_fit_are_refused()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            GanNetworks.Generator(GanKind.Dcgan, new ImageShape(1, 30, 28), 8, 5)
        );
        Assert.Contains("1x30x28", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_class_is_a_one_hot_vector_for_the_generator_and_maps_for_the_discriminator()
    {
        using var scope = NewDisposeScope();
        Tensor labels = tensor(new long[] { 2L, 0 });
        Assert.Equal(
            [7, 8, 0, 0, 1, 9, 9, 1, 0, 0],
            ConditionalGan.Latents(tensor(new float[] { 7f, 8, 9, 9 }, [2, 2]), labels, 3).ToArray<float>()
        );
        Tensor joined = ConditionalGan.Images(full([2, 1, 2, 2], 0.5), labels, 3);
        Assert.Equal([2, 4, 2, 2], joined.shape);
        Assert.Equal([0.5f, 0, 0, 1, 0.5f, 1, 0, 0], joined.select(2, 1).select(2, 0).contiguous().ToArray<float>());
    }

    public static TheoryData<GanKind> Kinds => [.. GanNetworks.Kinds];
}
