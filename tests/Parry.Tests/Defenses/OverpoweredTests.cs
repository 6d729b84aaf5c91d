using Parry.Attacks;
using Parry.Defenses.Breaks;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

/// <summary>The attack where everything is linear: images are 0.5 + 0.2 z, classes the sides of a plane.</summary>
public sealed class OverpoweredTests
{
    private const double Threshold = 0.2;

    private static readonly ImageShape s_shape = new(1, 2, 2);

    [Fact]
    public void It_crosses_the_plane_by_a_margin_that_grows_with_the_vectors_and_stays_within_the_budget()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        double near = Depth(Attack() with { Lengths = [0.05] });
        double far = Depth(Attack() with { Lengths = [0.3] });
        Assert.True(near > 0 && far > near + 0.02, $"{near} beyond the plane with short vectors, {far} with long ones");

        double Depth(Overpowered attack)
        {
            Tensor adversarial = attack.Perturb(Plane(), Images(), Goal.Untargeted(Labels()), Draws(4));
            Assert.All(
                Norm.L2.Of(adversarial.sub(Images())).ToArray<float>(),
                length => Assert.InRange(length, 0, 0.6001)
            );
            return Plane().Side(adversarial).neg().mean().Item();
        }
    }

    [Fact]
    public void A_budget_that_does_not_reach_the_plane_is_kept_too()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images();
        IReadOnlyList<Tensor> both = Attack()
            .PerturbWithin(Plane(), images, Goal.Untargeted(Labels()), Draws(4), [0.6, 0.1]);
        Assert.All(Norm.L2.Of(both[1].sub(images)).ToArray<float>(), length => Assert.InRange(length, 0, 0.1001));
        Assert.All(Plane().Side(both[0]).ToArray<float>(), side => Assert.True(side < 0));
        Assert.All(Plane().Side(both[1]).ToArray<float>(), side => Assert.True(side > 0));
    }

    [Fact]
    public void A_batch_gives_what_its_images_give_one_by_one()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images();
        Tensor labels = Labels();
        float[] all = Attack().Perturb(Plane(), images, Goal.Untargeted(labels), Draws(4)).ToArray<float>();
        float[] alone =
        [
            .. Enumerable
                .Range(0, 4)
                .SelectMany(i =>
                    Attack()
                        .Perturb(
                            Plane(),
                            images.slice(0, i, i + 1, 1),
                            Goal.Untargeted(labels.slice(0, i, i + 1, 1)),
                            new SampleRandom(4, new long[] { i })
                        )
                        .ToArray<float>()
                ),
        ];
        Assert.All(all.Zip(alone), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void Longer_vectors_are_tried_only_on_what_withstood()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        float[] once = Attack().Perturb(Plane(), Images(), Goal.Untargeted(Labels()), Draws(4)).ToArray<float>();
        Assert.Equal(
            once,
            (Attack() with { Lengths = [0.1, 0.3] })
                .Perturb(Plane(), Images(), Goal.Untargeted(Labels()), Draws(4))
                .ToArray<float>()
        );

        // A model behind a stronger defense withstands the first vectors.
        var deeper = new PlaneClassifier(s_shape, tensor(new float[] { 1, 0, 0, 0 }, [4]), 0.02, 20);
        Assert.NotEqual(
            once,
            (Attack() with { Lengths = [0.1, 0.3] })
                .Perturb(deeper, Images(), Goal.Untargeted(Labels()), Draws(4))
                .ToArray<float>()
        );
    }

    private static Overpowered Attack()
    {
        Tensor basis = tensor(new float[] { 0.2f, 0, 0, 0, 0, 0.2f, 0, 0, 0, 0, 0.2f, 0, 0, 0, 0, 0.2f }, [4, 4]);
        return new(new LinearGenerator(s_shape, basis, 0.5), Plane())
        {
            Epsilon = 0.6,
            Lengths = [0.1],
            Steps = 80,
            Vectors = 8,
        };
    }

    // Class 0 is where the first pixel is above the threshold; all images start there.
    private static PlaneClassifier Plane() => new(s_shape, tensor(new float[] { 1, 0, 0, 0 }, [4]), Threshold, 20);

    private static Tensor Images() =>
        tensor(
            new float[]
            {
                0.5f,
                0.4f,
                0.5f,
                0.6f,
                0.45f,
                0.5f,
                0.5f,
                0.5f,
                0.4f,
                0.3f,
                0.6f,
                0.5f,
                0.5f,
                0.7f,
                0.4f,
                0.5f,
            },
            [4, 1, 2, 2]
        );

    private static Tensor Labels() => tensor(new long[] { 0L, 0, 0, 0 });

    private static SampleRandom Draws(int count) => new(4, Enumerable.Range(0, count).Select(i => (long)i).ToArray());
}
