namespace Parry.Attacks.Poisoning;

/// <summary>What a poisoned training set does to a classifier that is trained on it.</summary>
/// <param name="Flipped">The number of labels that were changed.</param>
/// <param name="CleanAccuracy">Accuracy on the test images after training on the true labels, in [0, 1].</param>
/// <param name="PoisonedAccuracy">The same after training on the changed labels.</param>
public sealed record PoisoningEffect(int Flipped, double CleanAccuracy, double PoisonedAccuracy);
