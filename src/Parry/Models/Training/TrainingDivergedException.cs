namespace Parry.Models.Training;

/// <summary>
/// A training's loss, gradient or weights became infinite or NaN. The last checkpoint is from before that.
/// </summary>
/// <param name="position">Where it happened: "epoch 3 of 10, step 7 of 391".</param>
/// <param name="what">What was not finite.</param>
public sealed class TrainingDivergedException(string position, string what)
    : Exception($"the training diverged at {position}: {what}");
