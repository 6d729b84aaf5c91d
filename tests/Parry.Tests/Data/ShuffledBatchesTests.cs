using Parry.Data;

namespace Parry.Tests.Data;

public class ShuffledBatchesTests
{
    [Fact]
    public void The_generator_is_SplitMix64()
    {
        // The reference implementation's first outputs for this seed.
        var random = new SplitMix64(1234567);
        Assert.Equal(6457827717110365317ul, random.Next());
        Assert.Equal(3203168211198807973ul, random.Next());
        Assert.Equal(9817491932198370423ul, random.Next());
    }

    [Fact]
    public void The_order_never_changes() =>
        Assert.Equal([8, 3, 0, 9, 7, 5, 2, 6, 1, 4], ShuffledBatches.Permutation(10, seed: 7, epoch: 3));

    [Fact]
    public void Every_index_comes_once_an_epoch()
    {
        var batches = new ShuffledBatches(103, 10, 1).Epoch(0).ToList();
        Assert.Equal(11, batches.Count);
        Assert.Equal(3, batches[^1].Length);
        Assert.Equal(Enumerable.Range(0, 103), batches.SelectMany(batch => batch).Order());
    }

    [Fact]
    public void The_last_partial_batch_can_be_dropped()
    {
        var batches = new ShuffledBatches(103, 10, 1, DropLast: true);
        Assert.Equal(10, batches.BatchesPerEpoch);
        Assert.All(batches.Epoch(0), batch => Assert.Equal(10, batch.Length));
        Assert.Equal(10, batches.Epoch(0).Count());
    }

    [Theory]
    [InlineData(100, false)]
    [InlineData(100, true)]
    [InlineData(3, false)]
    public void The_number_of_batches_is_known_before(int size, bool dropLast)
    {
        var batches = new ShuffledBatches(300, size, 1, dropLast);
        Assert.Equal(batches.BatchesPerEpoch, batches.Epoch(0).Count());
    }

    [Fact]
    public void Seeds_and_epochs_shuffle_apart()
    {
        var orders =
            from seed in new ulong[] { 0, 1, 2, ulong.MaxValue }
            from epoch in Enumerable.Range(0, 50)
            select string.Join(",", ShuffledBatches.Permutation(20, seed, epoch));
        Assert.Equal(200, orders.Distinct().Count());
    }

    [Fact]
    public void Every_place_is_equally_likely()
    {
        var counts = new int[5, 5];
        for (var epoch = 0; epoch < 5000; epoch++)
        {
            var order = ShuffledBatches.Permutation(5, 99, epoch);
            for (var place = 0; place < 5; place++)
            {
                counts[place, order[place]]++;
            }
        }

        // 1000 expected each; the standard deviation is 28.
        Assert.All(counts.Cast<int>(), count => Assert.InRange(count, 860, 1140));
    }

    [Fact]
    public void Refuses_senseless_numbers()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShuffledBatches(0, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShuffledBatches(1, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShuffledBatches(1, 1, 1).Epoch(-1));
    }
}
