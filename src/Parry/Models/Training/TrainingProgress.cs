namespace Parry.Models.Training;

/// <summary>The progress of a training in epochs.</summary>
/// <param name="Epoch">The epoch, counted from 1.</param>
/// <param name="Batch">The batch of the epoch, counted from 1.</param>
/// <param name="Batches">The number of batches in an epoch.</param>
/// <param name="Loss">The mean loss of the epoch's images so far, as it is minimized: under dropout, and on adversarial
/// images where the training uses them.</param>
/// <param name="Accuracy">The share of the epoch's images so far that were classified right, as they were trained on; 0
/// where nothing is classified.</param>
/// <param name="ValidationAccuracy">The share of the validation images that are classified right, with the last batch
/// of an epoch; otherwise null.</param>
public readonly record struct TrainingProgress(
    int Epoch,
    int Batch,
    int Batches,
    double Loss,
    double Accuracy = 0,
    double? ValidationAccuracy = null
) : ITrainingStep
{
    /// <inheritdoc/>
    public bool IsFinite => double.IsFinite(Loss);
}
