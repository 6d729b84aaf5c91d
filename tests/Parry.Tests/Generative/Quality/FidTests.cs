using Parry.Generative.Quality;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Generative.Quality;

public class FidTests
{
    [Fact]
    public void A_set_has_no_distance_to_itself_in_any_order()
    {
        using var scope = NewDisposeScope();
        Tensor set = Normals(2500, 6, seed: 1);
        Tensor shuffled = set.index_select(0, tensor(Parry.Data.ShuffledBatches.Permutation(2500, 1, 0)));
        Assert.Equal(0, Fid.Of(set, set), 1e-9);
        Assert.Equal(0, Fid.Of(set, shuffled), 1e-9);
        Tensor other = Normals(1200, 6, seed: 2).mul(1.3);
        Assert.Equal(Fid.Of(set, other), Fid.Of(shuffled, other), 1e-9);
    }

    [Fact]
    public void It_is_symmetric()
    {
        using var scope = NewDisposeScope();
        Tensor first = Normals(300, 5, seed: 1);
        Tensor second = Normals(400, 5, seed: 2).mm(Normals(5, 5, seed: 3));
        Assert.True(Fid.Of(first, second) > 1);
        Assert.Equal(Fid.Of(first, second), Fid.Of(second, first), 1e-9);
    }

    [Fact]
    public void A_shift_costs_its_squared_length()
    {
        using var scope = NewDisposeScope();
        Tensor set = Normals(1500, 3, seed: 1);
        Assert.Equal(1 + 4 + 0.25, Fid.Of(set, set.add(tensor(new double[] { 1.0, -2, 0.5 }))), 1e-9);
    }

    [Fact]
    public void Diagonal_covariances_cost_the_squared_differences_of_their_deviations()
    {
        using var scope = NewDisposeScope();
        double[] first = [1, 2, 0.5];
        double[] second = [3, 0, 0.25];
        double expected = first.Zip(second, (a, b) => (a - b) * (a - b)).Sum();
        Assert.Equal(expected, Fid.Of(Axes(first), Axes(second)), 1e-9);
    }

    // For two by two matrices the trace of the root is the root of tr + 2 root of det.
    [Fact]
    public void Covariances_that_do_not_commute_agree_with_the_closed_form_in_the_plane()
    {
        using var scope = NewDisposeScope();
        double c = Math.Cos(0.7);
        double s = Math.Sin(0.7);
        Tensor turn = tensor(new double[] { c, s, -s, c }, [2, 2]);
        Tensor first = Axes([2, 0.5]);
        Tensor second = Axes([1, 3]).mm(turn);
        (double[] One, double[] Two) = (
            [4, 0, 0, 0.25],
            [(c * c) + (9 * s * s), c * s * (1 - 9), c * s * (1 - 9), (s * s) + (9 * c * c)]
        );
        double trace = (One[0] * Two[0]) + (One[3] * Two[3]);
        double root = Math.Sqrt(trace + (2 * Math.Sqrt(1 * 9.0)));
        Assert.Equal(4.25 + 10 - (2 * root), Fid.Of(first, second), 1e-9);
    }

    [Fact]
    public void Fewer_samples_give_a_larger_distance_of_the_same_distributions()
    {
        using var scope = NewDisposeScope();
        Tensor reference = Normals(4000, 20, seed: 1);
        Assert.True(Fid.Of(Normals(100, 20, seed: 2), reference) > 4 * Fid.Of(Normals(4000, 20, seed: 3), reference));
    }

    [Fact]
    public void Features_of_two_lengths_and_single_samples_are_refused()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => Fid.Of(Normals(9, 3, 1), Normals(9, 4, 1)));
        Assert.Throws<ArgumentException>(() => Fid.Of(Normals(1, 3, 1), Normals(9, 3, 1)));
    }

    internal static Tensor Normals(int count, int length, long seed) =>
        new SampleRandom(seed, Enumerable.Range(0, count).Select(i => (long)i).ToArray())
            .Normal(0, length)
            .to(ScalarType.Float64);

    // Two points on each axis, so far out that the covariance over n - 1 samples has exactly these deviations.
    private static Tensor Axes(double[] deviations)
    {
        int length = deviations.Length;
        int count = 2 * length;
        var rows = new double[count * length];
        for (int i = 0; i < length; i++)
        {
            double reach = deviations[i] * Math.Sqrt((count - 1) / 2.0);
            (rows[(2 * i * length) + i], rows[(((2 * i) + 1) * length) + i]) = (reach, -reach);
        }

        return tensor(rows, [count, length]);
    }
}
