using Parry.Data;

namespace Parry.Models.Training;

/// <summary>
/// The batches of a training by their number: whole passes over the images, shuffled anew each time, whichever batch is
/// asked for first.
/// </summary>
/// <param name="batches">How each pass is cut.</param>
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
