using Parry.Data;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// The images that an attack learns from, in a few lanes that the workers take side by side. The number of lanes is
/// fixed and each is a run of its own, so neither the number of workers nor their speed changes what is
/// learned, also from a model that draws at random.
/// </summary>
internal sealed class TrainingLanes
{
    private const int Lanes = 4;

    private readonly Batch[] _lanes;
    private readonly ulong _seed;
    private (int Epoch, int[][] Lanes) _order = (-1, []);

    /// <summary>Deals the images out.</summary>
    /// <param name="data">The images.</param>
    /// <param name="batchSize">The number of images in a batch, over all lanes.</param>
    /// <param name="seed">Decides the order of images.</param>
    public TrainingLanes(Batch data, int batchSize, long seed)
    {
        _seed = (ulong)seed;
        int lanes = Math.Min(Lanes, data.Count);
        _lanes =
        [
            .. Enumerable
                .Range(0, lanes)
                .Select(lane => data.Apart([.. Rows.All(data.Count).Where(row => row % lanes == lane)])),
        ];
        BatchesPerEpoch = (data.Count + batchSize - 1) / batchSize;
    }

    /// <summary>Batches until every image was used once.</summary>
    public int BatchesPerEpoch { get; }

    /// <summary>The batches of an epoch in random order, each as the rows of every lane.</summary>
    public IEnumerable<long[][]> Epoch(int epoch) =>
        Enumerable.Range(0, BatchesPerEpoch).Select(batch => RowsOf(epoch, batch));

    /// <summary>One batch of an epoch, as the rows of every lane.</summary>
    public long[][] RowsOf(int epoch, int batch)
    {
        if (_order.Epoch != epoch)
            _order = (
                epoch,
                [.. _lanes.Select((lane, i) => ShuffledBatches.Permutation(lane.Count, _seed + (ulong)i, epoch))]
            );
        return
        [
            .. _order.Lanes.Select(order =>
            {
                int from = order.Length * batch / BatchesPerEpoch;
                int to = order.Length * (batch + 1) / BatchesPerEpoch;
                return Array.ConvertAll(order[from..to], row => (long)row);
            }),
        ];
    }

    /// <summary>All images, as the rows of every lane.</summary>
    public long[][] Everything() => [.. _lanes.Select(lane => Rows.All(lane.Count))];

    /// <summary>
    /// Sums what the lanes make of their rows, without recording for autograd; the caller frees the sums.
    /// </summary>
    /// <param name="rows">The rows of every lane.</param>
    /// <param name="share">What one lane makes of its rows, tensors of the same shapes for every lane.</param>
    /// <param name="cancellation">Stops between lanes.</param>
    public Tensor[] Sum(long[][] rows, Func<Batch, Tensor[]> share, CancellationToken cancellation)
    {
        int[] busy = Busy(rows);
        Tensor[][] parts = Workers.Shared.Map(
            busy.Length,
            i =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                return scope.MoveAllToOuter(share(_lanes[busy[i]].Select(rows[busy[i]])));
            },
            cancellation
        );
        foreach (Tensor[] part in parts.Skip(1))
        {
            for (int i = 0; i < part.Length; i++)
            {
                parts[0][i].add_(part[i]);
                part[i].Dispose();
            }
        }

        return parts[0];
    }

    /// <summary>One step down the mean of a loss.</summary>
    /// <param name="learner">The network that learns.</param>
    /// <param name="rows">The rows of every lane.</param>
    /// <param name="loss">From some rows to their summed loss, followed by autograd.</param>
    /// <param name="cancellation">Stops between lanes.</param>
    public BatchLoss Step(
        Learner learner,
        long[][] rows,
        Func<Batch, Tensor> loss,
        CancellationToken cancellation = default
    )
    {
        int[] busy = Busy(rows);
        return learner.Minimize(
            busy.Length,
            rows.Sum(lane => lane.Length),
            (_, i) => (loss(_lanes[busy[i]].Select(rows[busy[i]])), null),
            cancellation
        );
    }

    private int[] Busy(long[][] rows) => [.. Enumerable.Range(0, _lanes.Length).Where(lane => rows[lane].Length > 0)];
}
