namespace Parry.Models.Training;

/// <summary>The progress of a training in epochs.</summary>
/// <param name="Epoch">The epoch, counted from 1.</param>
/// <param name="Batch">The batch of the epoch, counted from 1.</param>
/// <param name="Batches">The number of batches in an epoch.</param>
/// <param name="Loss">The mean loss of the epoch's images so far, as minimized: with dropout, and on adversarial images
/// if the training uses them.</param>
/// <param name="Accuracy">The share of the epoch's images so far that were classified correctly, as used in training; 0
/// if nothing is classified.</param>
/// <param name="ValidationAccuracy">The share of validation images classified correctly, with the last batch of an
/// epoch; otherwise null.</param>
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
