using Parry.Defenses;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public class RandomizedSmoothingTests
{
    private static readonly ImageShape s_shape = new(1, 4, 4);

    [Theory]
    [InlineData(10, 10, 0.001, 0.50118723363)] // alpha^(1/n)
    [InlineData(1, 10, 0.025, 0.00252857854)] // 1 - (1 - alpha)^(1/n)
    [InlineData(10, 20, 0.025, 0.27195677)] // Clopper and Pearson's tables: 0.272
    [InlineData(8, 10, 0.025, 0.44390455)] // 0.444
    [InlineData(99, 100, 0.05, 0.95344)] // 0.953
    [InlineData(0, 10, 0.001, 0)]
    public void The_lower_bound_of_a_proportion_is_the_exact_one(
        int successes,
        int count,
        double alpha,
        double bound
    ) => Assert.Equal(bound, ClopperPearson.Lower(successes, count, alpha), 1e-5);

    [Fact]
    public void The_bound_is_where_the_tail_has_the_probability_alpha_also_for_many_draws()
    {
        double bound = ClopperPearson.Lower(99_500, 100_000, 0.001);

        // The normal approximation is good to a few thousandths of the standard error here.
        double error = Math.Sqrt(bound * (1 - bound) / 100_000);
        Assert.InRange((0.995 - bound) / error, 2.9, 3.1);
        Assert.Throws<ArgumentOutOfRangeException>(() => ClopperPearson.Lower(11, 10, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ClopperPearson.Lower(1, 10, 0.6));
    }

    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(0.001, -3.090232306167813)]
    [InlineData(0.9999, 3.719016485455709)]
    public void The_quantile_of_the_normal_distribution_is_the_tables(double probability, double value)
    {
        Assert.Equal(value, NormalDistribution.Quantile(probability), 1e-10);
        Assert.Equal(probability, NormalDistribution.Below(value), 1e-12);
    }

    [Fact]
    public void The_radius_of_a_linear_model_is_its_distance_from_the_boundary_and_never_claimed_larger()
    {
        // Under noise a linear model of two classes answers as without, with probability Φ(distance / σ): the proven
        // radius tends to the distance itself.
        using var scope = NewDisposeScope();
        double[] distances = [0.1, 0.2, 0.4, -0.3];
        Tensor images = cat([.. distances.Select(distance => Plane.At(distance))]);
        Certificate[] proven = new RandomizedSmoothing(new Plane(), deviation: 0.25, draws: 1, seed: 3).Certify(
            Images.Of(images),
            100,
            20_000,
            0.001
        );
        for (int i = 0; i < distances.Length; i++)
        {
            Assert.Equal(distances[i] > 0 ? 1 : 0, proven[i].Class);
            Assert.InRange(proven[i].Radius, Math.Abs(distances[i]) * 0.9, Math.Abs(distances[i]));
        }
    }

    [Fact]
    public void An_image_on_the_boundary_is_not_answered()
    {
        using var scope = NewDisposeScope();
        Certificate proven = new RandomizedSmoothing(new Plane(), 0.25, 1, seed: 3).Certify(
            Images.Of(Plane.At(0)),
            100,
            1000,
            0.001
        )[0];
        Assert.Equal((null, 0), (proven.Class, proven.Radius));
    }

    [Fact]
    public void No_number_of_votes_proves_more_than_they_can()
    {
        using var scope = NewDisposeScope();
        double most = 0.25 * NormalDistribution.Quantile(Math.Pow(0.001, 1.0 / 500));
        Assert.Equal(
            most,
            new RandomizedSmoothing(new Plane(), 0.25, 1, seed: 3)
                .Certify(Images.Of(Plane.At(5)), 100, 500, 0.001)[0]
                .Radius,
            1e-12
        );
    }

    [Fact]
    public void Votes_do_not_depend_on_the_batch()
    {
        using var scope = NewDisposeScope();
        Tensor images = cat([.. Enumerable.Range(0, 7).Select(i => Plane.At(0.03 * i))]);
        var smoothed = new RandomizedSmoothing(new Plane(), 0.25, 150, seed: 3);
        Certificate[] together = smoothed.Certify(Images.Of(images), 10, 250, 0.01);
        for (int i = 0; i < 7; i++)
            Assert.Equal(
                together[i],
                smoothed.Certify(new Images(images.slice(0, i, i + 1, 1), new long[] { i }), 10, 250, 0.01)[0]
            );
    }

    [Fact]
    public void A_prediction_is_the_majoritys_and_the_attacker_gets_a_gradient()
    {
        using var scope = NewDisposeScope();
        Tensor images = cat([Plane.At(0.3), Plane.At(-0.3)]);
        IClassifier smoothed = new RandomizedSmoothing(new Plane(), 0.25, 100, seed: 3);
        Assert.Equal([1L, 0L], smoothed.Predict(images).ToArray<long>());
        Assert.All(
            smoothed.Gradient(images, logits => logits.select(1, 1)).Gradient.ToArray<float>(),
            value => Assert.True(value > 0)
        );
    }

    // Class 1 on one side of a plane through the gray image, at a known distance; logits are steep, so that noise
    // decides.
    private sealed class Plane : IClassifier
    {
        public ImageShape Shape => s_shape;

        public int Classes => 2;

        public static Tensor At(double distance) => full([1, 1, 4, 4], 0.5 + (distance / 4));

        public Tensor Logits(Images images)
        {
            // The unit normal of 16 pixels is 1/4 in each.
            Tensor distance = (images.Pixels - 0.5).flatten(1).sum(1, true) * 0.25;
            return cat([distance.neg(), distance], 1);
        }
    }
}
