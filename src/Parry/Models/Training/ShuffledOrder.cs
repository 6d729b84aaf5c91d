using Parry.Data;

namespace Parry.Models.Training;

/// <summary>
/// The batches of a training by number: passes over all images, each shuffled differently. Batches can be requested in
/// any order.
/// </summary>
/// <param name="batches">How each pass is split into batches.</param>
internal sealed class ShuffledOrder(ShuffledBatches batches)
{
    private (int Number, int[][] Batches) _epoch = (-1, []);

    /// <summary>The indices of a batch's images.</summary>
    public int[] this[long number]
    {
        get
        {
            int epoch = (int)(number / batches.BatchesPerEpoch);
            if (_epoch.Number != epoch)
                _epoch = (epoch, [.. batches.Epoch(epoch)]);
            return _epoch.Batches[number % batches.BatchesPerEpoch];
        }
    }
}
