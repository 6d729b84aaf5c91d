namespace Parry.Models.Training;

/// <summary>One gradient step of a training.</summary>
/// <param name="Loss">The loss before the step.</param>
/// <param name="GradientNorm">The L2 norm of its gradient over all parameters.</param>
public readonly record struct Descent(double Loss, double GradientNorm);
