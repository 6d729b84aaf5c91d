using Parry.Generative;
using Parry.Torch;
using static Parry.Tests.Generative.GanCheckpoints;

namespace Parry.Tests.Generative;

public class Pix2PixTests
{
    [Fact]
    public void The_networks_have_the_papers_shapes()
    {
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(1);
        using var generator = new UNet(3, 4, random);
        using var patches = new PatchDiscriminator(3, 4, random);
        Tensor images = Tensor.Uniform([2, 3, 28, 28], random);
        Tensor drawn = generator.Forward(images);
        Assert.Equal([2, 3, 28, 28], drawn.Shape);
        Assert.InRange(drawn.Contiguous().ToArray<float>().Min(), 0, 1);
        Assert.InRange(drawn.Contiguous().ToArray<float>().Max(), 0, 1);
        Assert.Equal([2, 1, 14, 14], patches.Forward(Tensor.Uniform([2, 6, 32, 32], random)).Shape);
        Assert.Equal(generator.State.Sum(entry => entry.Value.Elements), UNet.CountOf(3, 4));

        // One image is enough to train on.
        generator.Train(random);
        Assert.Equal([1, 3, 28, 28], generator.Forward(images.Slice(0, 0, 1)).Shape);
    }

    [Fact]
    public void A_patchs_score_depends_on_sixteen_by_sixteen_pixels()
    {
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(2);
        using var patches = new PatchDiscriminator(1, 4, random);
        Tensor images = Tensor.Uniform([1, 2, 32, 32], random).RequireGrad();
        Tensor gradient = Autograd.Grad(patches.Forward(images).Select(3, 7).Select(2, 7).Sum(), images);
        bool[] touched = gradient.Abs().Sum([0, 1, 2]).Greater(0).ToArray<bool>();
        Assert.Equal(16, touched.Count(hit => hit));
    }

    [Fact]
    public void Skips_carry_detail_around_the_bottleneck()
    {
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(3);
        using var generator = new UNet(1, 4, random);
        Tensor images = Tensor.Uniform([1, 1, 32, 32], random);
        foreach (var (_, parameter) in generator.Parameters.Where(p => p.Value.Shape.Length == 4)) parameter.MulInPlace(10);
        float[] before = generator.Forward(images).Contiguous().ToArray<float>();

        // Nothing passes the innermost level any more, yet the answer still depends on the image.
        foreach (var (name, parameter) in generator.Parameters.Where(p => p.Key.StartsWith("up5.", StringComparison.Ordinal))) parameter.ZeroInPlace();
        float[] first = generator.Forward(images).Contiguous().ToArray<float>(), second = generator.Forward(images.SubtractedFrom(1)).Contiguous().ToArray<float>();
        Assert.NotEqual(before, first);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public void Edges_are_where_the_image_changes()
    {
        using var scope = new TensorScope();
        Tensor image = Tensor.Zeros([1, 2, 6, 6]);
        image.Slice(3, 3, 6).AddInPlace(1);
        Tensor edges = Pix2Pix.Edges(image);
        Assert.Equal([1, 2, 6, 6], edges.Shape);
        Assert.Equal([0, 0, 1, 1, 0, 0], edges.Select(0, 0).Select(0, 1).Select(0, 2).ToArray<float>());
        Assert.Equal(0, edges.Select(2, 0).Sum().ToDouble());
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
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(4);
        using Tensor images = Tensor.Uniform([4, 1, 8, 8], random).Mul(255).To(DType.UInt8).RepeatInterleave(3, 2).RepeatInterleave(3, 3).Own(), labels = Tensor.Zeros([4], DType.Int64).Own();
        var recipe = new Pix2Pix { Width = 8, Iterations = 40, LearningRate = 2e-3 };
        using var straight = new Pix2PixTrainer(recipe, images, labels, "edges", (wanted, _) => Pix2Pix.Edges(wanted));
        using var resumed = new Pix2PixTrainer(recipe, images, labels, "edges", (wanted, _) => Pix2Pix.Edges(wanted));
        using var other = new Pix2PixTrainer(recipe, images, labels, "negatives", (wanted, _) => wanted);
        double before = 0;
        for (int i = 0; i < 40; i++)
        {
            GanStep step = straight.Step();
            if (i == 0) before = step.GeneratorLoss;
            if (i == 29) Go(straight, resumed);
            if (i == 39) Assert.InRange(step.GeneratorLoss, 0, 0.7 * before);
        }

        Assert.Throws<UserErrorException>(() => Go(straight, other));
        for (int i = 30; i < 40; i++) resumed.Step();
        Assert.Equal(Bytes(straight), Bytes(resumed));
        Assert.Equal([9, 1, 24, 24], straight.Samples(9).Shape);
    }
}
