using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Defenses;
using Parry.Defenses.Breaks;
using Parry.Evaluation;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

/// <summary>
/// The attack where everything is linear: a purifier that keeps the first two pixels of four, before a plane across the
/// first and the third.
/// </summary>
public sealed class ReconstructionEvasionTests
{
    private const double Epsilon = 0.2;

    private static readonly ImageShape s_shape = new(1, 2, 2);

    [Theory]
    [InlineData(GradientPath.Identity)]
    [InlineData(GradientPath.Exact)]
    public void Images_are_wrong_behind_the_purifier_within_the_budget_and_nearer_to_its_images_than_clean_ones(
        GradientPath path
    )
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor adversarial = Attack(path).Perturb(Plane(), Images(), Goal.Untargeted(Labels()), Draws(4));
        Assert.All(
            Norm.Linf.Of(adversarial.sub(Images())).ToArray<float>(),
            size => Assert.InRange(size, 0, Epsilon + 1e-6)
        );
        Assert.All(
            Plane().Side(new FirstPixels(path).Purify(adversarial, Draws(4)).Images).ToArray<float>(),
            side => Assert.True(side < 0)
        );
        Assert.Equal(0, Area(adversarial));
    }

    [Fact]
    public void An_attack_that_does_not_look_at_the_error_is_noticed()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor adversarial = new ProjectedGradientDescent { Epsilon = Epsilon, RandomStart = false }.Perturb(
            new FirstPixels(GradientPath.Identity).Protect(Plane(), seed: 1),
            Images(),
            Goal.Untargeted(Labels()),
            Draws(4)
        );
        Assert.Equal(1, Area(adversarial));
    }

    [Fact]
    public void What_cannot_be_fooled_is_returned_where_the_margin_is_largest()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        IReadOnlyList<Tensor> both = Attack(GradientPath.Exact)
            .PerturbWithin(Plane(), Images(), Goal.Untargeted(Labels()), Draws(4), [Epsilon, 0.02]);
        Assert.All(Plane().Side(both[0]).ToArray<float>(), side => Assert.True(side < 0));
        Assert.All(
            both[1].sub(Images()).select(1, 0).select(1, 0).select(1, 0).ToArray<float>(),
            change => Assert.Equal(-0.02, change, 1e-4)
        );
    }

    [Fact]
    public void A_batch_gives_what_its_images_give_one_by_one()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        float[] all = Attack(GradientPath.Exact)
            .Perturb(Plane(), Images(), Goal.Untargeted(Labels()), Draws(4))
            .ToArray<float>();
        float[] alone =
        [
            .. Enumerable
                .Range(0, 4)
                .SelectMany(i =>
                    Attack(GradientPath.Exact)
                        .Perturb(
                            Plane(),
                            Images().slice(0, i, i + 1, 1),
                            Goal.Untargeted(Labels().slice(0, i, i + 1, 1)),
                            new SampleRandom(4, new long[] { i })
                        )
                        .ToArray<float>()
                ),
        ];
        Assert.Equal(all, alone);
    }

    private static ReconstructionEvasion Attack(GradientPath path) =>
        new(new FirstPixels(path), Plane()) { Epsilon = Epsilon };

    private static double Area(Tensor adversarial) => Roc.Area(Errors(Images()), Errors(adversarial));

    private static float[] Errors(Tensor images) =>
        new FirstPixels(GradientPath.Exact).Purify(images, Draws(4)).Errors.ToArray<float>();

    private static PlaneClassifier Plane() => new(s_shape, tensor(new float[] { 1, 0, 1, 0 }, [4]), 0.95, 20);

    // Purified, all have 0.5 in the third pixel: what is above 0.45 in the first is of class 0.
    private static Tensor Images() =>
        tensor(
            new float[]
            {
                0.55f,
                0.4f,
                0.56f,
                0.56f,
                0.58f,
                0.5f,
                0.44f,
                0.56f,
                0.56f,
                0.3f,
                0.56f,
                0.44f,
                0.57f,
                0.7f,
                0.45f,
                0.44f,
            },
            [4, 1, 2, 2]
        );

    private static Tensor Labels() => tensor(new long[] { 0L, 0, 0, 0 });

    private static SampleRandom Draws(int count) => new(4, Enumerable.Range(0, count).Select(i => (long)i).ToArray());

    private sealed record FirstPixels(GradientPath Path) : IPurifier
    {
        public string Name => "first-pixels";

        public ImageShape Shape => s_shape;

        public bool IsRandom => false;

        public Purified Purify(Tensor images, SampleRandom random)
        {
            Tensor kept = tensor(new float[] { 1, 1, 0, 0 }, [1, 1, 2, 2]);
            return Purified.Of(images, images.mul(kept).add(kept.mul(-0.5).add(0.5)));
        }
    }
}
