namespace Parry.Models;

/// <summary>
/// A training's loss or weights became infinite or no number. The weights are as they were before the batch that did
/// it, the last checkpoint as it was.
/// </summary>
/// <param name="epoch">Epochs that were done.</param>
/// <param name="what">What was seen.</param>
public sealed class TrainingDivergedException(int epoch, string what)
    : Exception($"the training diverged in epoch {epoch + 1}: {what}")
{
    /// <summary>Epochs that were done.</summary>
    public int Epoch { get; } = epoch;
}
