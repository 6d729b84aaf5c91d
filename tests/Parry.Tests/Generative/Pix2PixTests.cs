using Parry.Generative.Gans;
using Parry.Models.Architectures;
using Parry.Runtime;
using static Parry.Tests.Generative.GanCheckpoints;
using static TorchSharp.torch;

namespace Parry.Tests.Generative;

public class Pix2PixTests
{
    [Fact]
    public void The_networks_have_the_papers_shapes()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using var generator = new UNet(3, 4, random);
        using var patches = new PatchDiscriminator(3, 4, random);
        Tensor images = rand([2, 3, 28, 28], generator: random);
        Tensor drawn = generator.forward(images);
        Assert.Equal([2, 3, 28, 28], drawn.shape);
        Assert.InRange(drawn.contiguous().ToArray<float>().Min(), 0, 1);
        Assert.InRange(drawn.contiguous().ToArray<float>().Max(), 0, 1);
        Assert.Equal([2, 1, 14, 14], patches.forward(rand([2, 6, 32, 32], generator: random)).shape);
        Assert.Equal(generator.State().Sum(entry => entry.Value.numel()), UNet.CountOf(3, 4));

        // One image is enough to train on.
        generator.Train(random);
        Assert.Equal([1, 3, 28, 28], generator.forward(images.slice(0, 0, 1, 1)).shape);
    }

    [Fact]
    public void A_patchs_score_depends_on_sixteen_by_sixteen_pixels()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2);
        using var patches = new PatchDiscriminator(1, 4, random);
        Tensor images = rand([1, 2, 32, 32], generator: random).requires_grad_();
        Tensor gradient = Autograd.Grad(patches.forward(images).select(3, 7).select(2, 7).sum(), images);
        bool[] touched = gradient.abs().sum([0, 1, 2]).gt(0.0).ToArray<bool>();
        Assert.Equal(16, touched.Count(hit => hit));
    }

    [Fact]
    public void Skips_carry_detail_around_the_bottleneck()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        using var generator = new UNet(1, 4, random);
        Tensor images = rand([1, 1, 32, 32], generator: random);
        foreach (var (_, parameter) in generator.Parameters().Where(p => p.Value.shape.Length == 4))
            parameter.mul_(10.0);
        float[] before = generator.forward(images).contiguous().ToArray<float>();

        // Nothing passes the innermost level any more, yet the answer still depends on the image.
        foreach (
            var (name, parameter) in generator
                .Parameters()
                .Where(p => p.Key.StartsWith("up5.", StringComparison.Ordinal))
        )
            parameter.zero_();
        float[] first = generator.forward(images).contiguous().ToArray<float>();
        float[] second = generator.forward((1.0 - images)).contiguous().ToArray<float>();
        Assert.NotEqual(before, first);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public void Edges_are_where_the_image_changes()
    {
        using var scope = NewDisposeScope();
        Tensor image = zeros([1, 2, 6, 6]);
        image.slice(3, 3, 6, 1).add_(1.0);
        Tensor edges = Pix2Pix.Edges(image);
        Assert.Equal([1, 2, 6, 6], edges.shape);
        Assert.Equal([0, 0, 1, 1, 0, 0], edges.select(0, 0).select(0, 1).select(0, 2).ToArray<float>());
        Assert.Equal(0, edges.select(2, 0).sum().Item());
    }

    [Fact]
    public void The_step_size_falls_to_zero_in_the_second_half()
    {
        var recipe = new Pix2Pix { Iterations = 100, LearningRate = 1 };
        Assert.Equal((1, 1, 0.5), (recipe.RateAt(0), recipe.RateAt(50), recipe.RateAt(75)));
        Assert.Equal(0.02, recipe.RateAt(99), 1e-12);
    }

    [Fact]
    public void Training_brings_the_drawn_images_near_the_wanted_ones_and_goes_on_bit_for_bit()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        using Tensor images = rand([4, 1, 8, 8], generator: random)
            .mul(255.0)
            .to(ScalarType.Byte)
            .repeat_interleave(3, 2)
            .repeat_interleave(3, 3)
            .DetachFromDisposeScope();
        using Tensor labels = zeros([4], ScalarType.Int64).DetachFromDisposeScope();
        var recipe = new Pix2Pix
        {
            Width = 8,
            Iterations = 40,
            LearningRate = 2e-3,
        };
        using var straight = new Pix2PixTrainer(recipe, images, labels, "edges", (wanted, _) => Pix2Pix.Edges(wanted));
        using var resumed = new Pix2PixTrainer(recipe, images, labels, "edges", (wanted, _) => Pix2Pix.Edges(wanted));
        using var other = new Pix2PixTrainer(recipe, images, labels, "negatives", (wanted, _) => wanted);
        double before = 0;
        for (int i = 0; i < 40; i++)
        {
            GanStep step = straight.Step();
            if (i == 0)
                before = step.GeneratorLoss;
            if (i == 29)
                Go(straight, resumed);
            if (i == 39)
                Assert.InRange(step.GeneratorLoss, 0, 0.7 * before);
        }

        Assert.Throws<UserErrorException>(() => Go(straight, other));
        for (int i = 30; i < 40; i++)
            resumed.Step();
        Assert.Equal(Bytes(straight), Bytes(resumed));
        Assert.Equal([9, 1, 24, 24], straight.Samples(9).shape);
    }
}
