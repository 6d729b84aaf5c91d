using Parry.Attacks;
using Parry.Defenses.Breaks;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public sealed class PairSearchTests
{
    private static readonly ImageShape s_shape = new(1, 1, 2);

    [Theory]
    [InlineData(PairDifference.CrossEntropy, 20)]
    [InlineData(PairDifference.Squared, 15)]
    public void Before_a_plane_the_pairs_are_near_and_lie_on_both_sides(PairDifference difference, int least)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        PlaneClassifier classifier = Plane();
        ManifoldPairs all = (Search() with { Difference = difference }).Find(classifier, Draws(20));
        long[] found = [.. Enumerable.Range(0, 20).Where(i => all.Found[i]).Select(i => (long)i)];
        Assert.InRange(found.Length, least, 20);
        var pairs = (First: all.First[tensor(found)], Second: all.Second[tensor(found)]);
        float[] first = classifier.Side(pairs.First).ToArray<float>();
        float[] second = classifier.Side(pairs.Second).ToArray<float>();
        Assert.All(
            first.Zip(second),
            pair => Assert.True(pair.First * pair.Second <= 0, $"{pair.First} and {pair.Second} are on one side")
        );
        Assert.All(
            Norm.L2.Of(pairs.First.sub(pairs.Second)).ToArray<float>(),
            distance => Assert.InRange(distance, 0, 0.1001)
        );
    }

    [Fact]
    public void The_multiplier_rises_while_a_pair_is_too_far_apart_and_falls_once_it_is_near()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var flat = new PlaneClassifier(s_shape, zeros([2]), -1, 1);

        // The starts are uniform in the unit square, and the generator gives them as they are.
        float[][] starts = [.. Draws(6).Uniform(0, 2, 2).ToArray<float>().Chunk(4)];
        double[] distances =
        [
            .. starts.Select(pair => Math.Sqrt(Math.Pow(pair[0] - pair[2], 2) + Math.Pow(pair[1] - pair[3], 2))),
        ];
        ManifoldPairs one = Find(1);
        ManifoldPairs two = Find(2);
        ManifoldPairs many = Find(400);
        Assert.DoesNotContain(true, many.Found);
        for (int i = 0; i < 6; i++)
        {
            Assert.Equal(1 + (0.5 * (distances[i] - 0.1)), one.Multipliers[i], 1e-5);
            if (distances[i] > 0.3)
                Assert.True(
                    two.Multipliers[i] > one.Multipliers[i],
                    $"{one.Multipliers[i]}, then {two.Multipliers[i]} at {distances[i]}"
                );
            Assert.True(many.Multipliers[i] < one.Multipliers[i]);
        }

        ManifoldPairs Find(int steps) => (Search() with { Steps = steps, DualRate = 0.5 }).Find(flat, Draws(6));
    }

    [Fact]
    public void A_pair_is_the_same_whatever_others_are_sought_with_it()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        float[] all = Search().Find(Plane(), Draws(5)).First.ToArray<float>();
        float[] fourth = Search().Find(Plane(), new SampleRandom(2, new long[] { 3 })).First.ToArray<float>();
        Assert.All(all[6..8].Zip(fourth), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Theory]
    [InlineData(PairDifference.CrossEntropy)]
    [InlineData(PairDifference.Squared)]
    public void A_difference_is_its_formula_and_is_differentiated_in_both_arguments(PairDifference difference)
    {
        using var scope = NewDisposeScope();
        double[] one = [0.3, -1.2, 0.5];
        double[] two = [1.0, 0.1, -0.4];
        Tensor a = tensor(one).reshape(1, 3).requires_grad_();
        Tensor b = tensor(two).reshape(1, 3).requires_grad_();
        Tensor value = difference.Of(a, b);
        Assert.Equal(Formula(one, two), value.Item(), 1e-9);
        Tensor?[] gradients = Autograd.Grad([value.sum()], [a, b]);
        const double h = 1e-6;
        for (int i = 0; i < 3; i++)
        {
            double[] up = [.. one];
            double[] beside = [.. two];
            up[i] += h;
            beside[i] += h;
            double at = Formula(one, two);
            Assert.Equal((Formula(up, two) - at) / h, gradients[0]!.ToArray<double>()[i], 1e-5);
            Assert.Equal((Formula(one, beside) - at) / h, gradients[1]!.ToArray<double>()[i], 1e-5);
        }

        double Formula(double[] first, double[] second)
        {
            double[] p = Softmax(first);
            double[] q = Softmax(second);
            return difference == PairDifference.Squared
                ? p.Zip(q).Sum(pair => Math.Pow(pair.First - pair.Second, 2))
                : -p.Zip(q).Sum(pair => pair.First * Math.Log(pair.Second));
        }

        static double[] Softmax(double[] logits) => [.. logits.Select(value => Math.Exp(value) / logits.Sum(Math.Exp))];
    }

    private static PairSearch Search() =>
        new(new LinearGenerator(s_shape, tensor(new float[] { 1, 0, 0, 1 }, [2, 2]), 0)) { Distance = 0.1 };

    private static PlaneClassifier Plane() => new(s_shape, tensor(new float[] { 1, 0.5f }, [2]), 0.7, 3);

    private static SampleRandom Draws(int count) => new(2, Enumerable.Range(0, count).Select(i => (long)i).ToArray());
}
