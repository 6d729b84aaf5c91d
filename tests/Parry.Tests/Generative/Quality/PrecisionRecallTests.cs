using Parry.Generative.Quality;
using Parry.Runtime;
using Parry.Tests.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Generative.Quality;

public class PrecisionRecallTests
{
    [Theory]
    [InlineData(600, 300, 4, 5, 0.3)]
    [InlineData(40, 70, 2, 1, 1.0)]
    [InlineData(30, 30, 3, 7, 4.0)]
    public void It_is_what_the_definitions_give_pair_by_pair(
        int count,
        int drawnCount,
        int length,
        int neighbors,
        double shift
    )
    {
        using var scope = NewDisposeScope();
        Tensor real = FidTests.Normals(count, length, seed: 1);
        Tensor drawn = FidTests.Normals(drawnCount, length, seed: 2).mul(0.8).add(shift);
        PrecisionRecall found = PrecisionRecall.Of(real, drawn, neighbors);
        PrecisionRecall expected = Slowly(Rows(real), Rows(drawn), neighbors);
        Assert.Equal(expected.Precision, found.Precision, 1e-12);
        Assert.Equal(expected.Recall, found.Recall, 1e-12);
        Assert.Equal(expected.Density, found.Density, 1e-12);
        Assert.Equal(expected.Coverage, found.Coverage, 1e-12);
    }

    // The reference code prints 0.477, 0.471, 1.056 and 0.974 for 10,000 samples in 1,000 dimensions; fewer samples
    // give about the same.
    [Fact]
    public void Two_samples_of_one_Gaussian_cover_each_other_by_half_in_many_dimensions()
    {
        using var scope = NewDisposeScope();
        PrecisionRecall found = PrecisionRecall.Of(
            FidTests.Normals(2000, 200, seed: 1),
            FidTests.Normals(2000, 200, seed: 2)
        );
        Assert.InRange(found.Precision, 0.4, 0.65);
        Assert.Equal(found.Precision, found.Recall, 0.1);
        Assert.Equal(1, found.Density, 0.15);
        Assert.Equal(0.97, found.Coverage, 0.03);
    }

    [Fact]
    public void A_collapsed_generator_is_precise_and_recalls_nothing_and_one_far_away_is_neither()
    {
        using var scope = NewDisposeScope();
        Tensor real = FidTests.Normals(500, 3, seed: 1);
        Tensor collapsed = FidTests.Normals(500, 3, seed: 2).mul(0.001);
        PrecisionRecall one = PrecisionRecall.Of(real, collapsed);
        Assert.Equal((1, 0), (one.Precision, one.Recall));
        Assert.True(one.Coverage < 0.1);
        Assert.Equal(new PrecisionRecall(0, 0, 0, 0), PrecisionRecall.Of(real, real.add(100.0)));
    }

    [Fact]
    public void Too_few_samples_and_features_of_two_lengths_are_refused()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() =>
            PrecisionRecall.Of(FidTests.Normals(5, 3, 1), FidTests.Normals(9, 3, 1))
        );
        Assert.Throws<ArgumentException>(() =>
            PrecisionRecall.Of(FidTests.Normals(9, 4, 1), FidTests.Normals(9, 3, 1))
        );
    }

    [Fact]
    public void It_stops_on_request_and_leaves_no_tensors_behind()
    {
        using Tensor real = FidTests.Normals(300, 3, seed: 1);
        using Tensor drawn = FidTests.Normals(300, 3, seed: 2);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Settled.Tensors();
        PrecisionRecall.Of(real, drawn);
        Fid.Of(real, drawn);
        Assert.Throws<OperationCanceledException>(() =>
            PrecisionRecall.Of(real, drawn, cancellation: new CancellationToken(true))
        );
        Assert.Equal(before, LiveTensors.Count);
    }

    private static PrecisionRecall Slowly(double[][] real, double[][] drawn, int neighbors)
    {
        static double Distance(double[] a, double[] b) => Math.Sqrt(a.Zip(b, (x, y) => (x - y) * (x - y)).Sum());
        double Radius(double[][] set, int row) =>
            Enumerable
                .Range(0, set.Length)
                .Where(i => i != row)
                .Select(i => Distance(set[i], set[row]))
                .Order()
                .ElementAt(neighbors - 1);
        double[] realRadii = [.. real.Select((_, i) => Radius(real, i))];
        double[] drawnRadii = [.. drawn.Select((_, i) => Radius(drawn, i))];
        bool InReal(int i, double[] sample) => Distance(real[i], sample) < realRadii[i];
        return new PrecisionRecall(
            drawn.Average(sample => real.Where((_, i) => InReal(i, sample)).Any() ? 1.0 : 0),
            real.Average(image => drawn.Where((sample, j) => Distance(sample, image) < drawnRadii[j]).Any() ? 1.0 : 0),
            drawn.Average(sample => (double)real.Where((_, i) => InReal(i, sample)).Count()) / neighbors,
            real.Select((_, i) => i)
                .Average(i => drawn.Min(sample => Distance(real[i], sample)) < realRadii[i] ? 1.0 : 0)
        );
    }

    private static double[][] Rows(Tensor set) => [.. set.ToArray<double>().Chunk((int)set.size(1))];
}
