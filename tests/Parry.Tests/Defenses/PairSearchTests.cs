using Parry.Attacks;
using Parry.Defenses.Breaks;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public sealed class PairSearchTests
{
    private static readonly ImageShape s_shape = new(1, 1, 2);

    [Fact]
    public void Before_a_plane_the_pairs_are_near_and_lie_on_both_sides()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        PlaneClassifier classifier = Plane();
        ManifoldPairs pairs = Search().Find(classifier, Draws(20));
        Assert.DoesNotContain(false, pairs.Found);
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

    [Fact]
    public void The_cross_entropy_is_its_formula_and_is_differentiated_in_both_arguments()
    {
        using var scope = NewDisposeScope();
        Tensor first = tensor(new double[] { 0.3, -1.2, 0.5 }).reshape(1, 3);
        Tensor second = tensor(new double[] { 1.0, 0.1, -0.4 }).reshape(1, 3);
        Assert.Equal(Formula([0.3, -1.2, 0.5], [1.0, 0.1, -0.4]), PairSearch.CrossEntropy(first, second).Item(), 1e-9);
        Tensor a = first.clone().requires_grad_();
        Tensor b = second.clone().requires_grad_();
        Tensor?[] gradients = Autograd.Grad([PairSearch.CrossEntropy(a, b).sum()], [a, b]);
        const double h = 1e-6;
        for (int i = 0; i < 3; i++)
        {
            double[] up = [0.3, -1.2, 0.5];
            double[] beside = [1.0, 0.1, -0.4];
            up[i] += h;
            beside[i] += h;
            double at = Formula([0.3, -1.2, 0.5], [1.0, 0.1, -0.4]);
            Assert.Equal((Formula(up, [1.0, 0.1, -0.4]) - at) / h, gradients[0]!.ToArray<double>()[i], 1e-5);
            Assert.Equal((Formula([0.3, -1.2, 0.5], beside) - at) / h, gradients[1]!.ToArray<double>()[i], 1e-5);
        }

        static double Formula(double[] a, double[] b) =>
            -a.Select((value, i) => Math.Exp(value) / a.Sum(Math.Exp) * (b[i] - Math.Log(b.Sum(Math.Exp)))).Sum();
    }

    private static PairSearch Search() =>
        new(new LinearGenerator(s_shape, tensor(new float[] { 1, 0, 0, 1 }, [2, 2]), 0)) { Distance = 0.1 };

    private static PlaneClassifier Plane() => new(s_shape, tensor(new float[] { 1, 0.5f }, [2]), 0.7, 3);

    private static SampleRandom Draws(int count) => new(2, Enumerable.Range(0, count).Select(i => (long)i).ToArray());
}
