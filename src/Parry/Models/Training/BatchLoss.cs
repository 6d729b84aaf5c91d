namespace Parry.Models.Training;

/// <summary>What one step measured on a batch.</summary>
/// <param name="Loss">The loss, summed over the images.</param>
/// <param name="Images">The number of images.</param>
/// <param name="Correct">The number of images that were classified correctly; 0 if nothing is classified.</param>
public readonly record struct BatchLoss(double Loss, int Images, double Correct = 0)
{
    /// <summary>Whether the loss is finite.</summary>
    public bool IsFinite => double.IsFinite(Loss);
}
