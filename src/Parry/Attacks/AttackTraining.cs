namespace Parry.Attacks;

/// <summary>What the training of an attack took, beside what its runs take.</summary>
/// <param name="Images">The images it learned from.</param>
/// <param name="Queries">Forward passes of the model, over all images.</param>
/// <param name="Gradients">Backward passes, over all images.</param>
/// <param name="Seconds">The time it took.</param>
public sealed record AttackTraining(int Images, long Queries, long Gradients, double Seconds);
