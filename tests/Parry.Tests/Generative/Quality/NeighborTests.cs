using Parry.Data;
using Parry.Generative.Quality;
using Parry.Tests.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Generative.Quality;

public class NeighborTests
{
    [Fact]
    public void A_memorized_image_is_found_and_an_altered_one_lies_as_far_as_it_was_altered()
    {
        using var scope = NewDisposeScope();
        ImageSet training = ToySet.Make(2300);
        Tensor copies = training.Select([1999, 3, 1000, 0]).ImageTensor();
        Tensor altered = copies.add(tensor(new float[] { 0, 0.01f, 0.02f, 0.03f }, [4, 1, 1, 1]));

        NearestNeighbors exact = NearestNeighbors.Of(copies, training);
        NearestNeighbors near = NearestNeighbors.Of(altered, training);

        Assert.Equal([1999, 3, 1000, 0], exact.Indices);
        Assert.All(exact.Distances, distance => Assert.Equal(0, distance, 1e-6));
        Assert.Equal([1999, 3, 1000, 0], near.Indices);
        Assert.Equal([0, 0.06, 0.12, 0.18], near.Distances.Select(distance => Math.Round(distance, 6)));
        Assert.Equal(0.09, near.Median, 1e-6);
    }

    [Fact]
    public void Samples_of_another_shape_are_refused()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => NearestNeighbors.Of(zeros([2, 1, 5, 6]), ToySet.Make(5)));
    }

    [Fact]
    public void The_closest_pair_of_each_batch_is_found()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        Tensor samples = rand([25, 1, 6, 6], generator: random);
        samples.slice(0, 7, 8, 1).copy_(samples.slice(0, 4, 5, 1).add(0.001));
        samples.slice(0, 19, 20, 1).copy_(samples.slice(0, 11, 12, 1));

        BirthdayParadox found = BirthdayParadox.Of(samples, batches: 2);

        Assert.Equal((12, (4, 7)), (found.BatchSize, (found.Pairs[0].First, found.Pairs[0].Second)));
        Assert.Equal(0.006, found.Pairs[0].Distance, 1e-6);
        Assert.True(found.Pairs[1].Distance > 0.5, "the pair (11, 19) lies in two batches");
        Assert.Equal(0.5, found.ShareBelow(0.1));
        Assert.Equal(found.Pairs[0].Distance, found.Smallest);
        Assert.Throws<ArgumentException>(() => BirthdayParadox.Of(samples, batches: 13));
    }

    [Fact]
    public void The_support_is_that_of_the_birthday_problem()
    {
        // 23 people, 365 days, a chance of 0.5073; the formula takes 1 - exp(-s² / 2N) for the exact chance.
        Assert.Equal(365, BirthdayParadox.Support(23, 0.5073)!.Value, 10.0);
        Assert.Null(BirthdayParadox.Support(23, 0));
        Assert.Null(BirthdayParadox.Support(23, 1));
    }

    [Fact]
    public void A_generator_of_few_images_is_found_out_by_its_duplicates()
    {
        // 2,000 images drawn evenly; batches of 60 hold a duplicate with a chance of 1 - exp(-60·59 / 4000) = 0.59.
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        Tensor images = rand([2000, 1, 4, 4], generator: random);
        Tensor samples = images.index_select(0, rand([6000], generator: random).mul(2000.0).to(ScalarType.Int64));

        BirthdayParadox found = BirthdayParadox.Of(samples, batches: 100);

        Assert.Equal(0.59, found.ShareBelow(1e-6), 0.15);
        Assert.InRange(BirthdayParadox.Support(found.BatchSize, found.ShareBelow(1e-6))!.Value, 1200, 3400);
    }
}
