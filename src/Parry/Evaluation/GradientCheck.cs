using Parry.Attacks;

namespace Parry.Evaluation;

/// <summary>What was measured of a classifier's gradients on one range of images.</summary>
/// <param name="First">The number of the first image.</param>
/// <param name="Zero">Clean images that are classified correctly and have no gradient to follow.</param>
/// <param name="Flat">Those of them whose margin has no gradient either.</param>
/// <param name="Correct">The clean images among which they were counted.</param>
/// <param name="Draws">Perturbations drawn for each image of the random search.</param>
/// <param name="Searches">One for each budget, the smallest first.</param>
internal sealed record GradientCheck(
    int First,
    int Zero,
    int Flat,
    int Correct,
    int Draws,
    IReadOnlyList<BudgetSearch> Searches
);

/// <summary>What a random search found within one budget.</summary>
/// <param name="Norm">The norm.</param>
/// <param name="Epsilon">The budget.</param>
/// <param name="Fooled">Images that it fools.</param>
/// <param name="Left">Images that all attacks by gradients had left.</param>
internal sealed record BudgetSearch(Norm Norm, double Epsilon, int Fooled, int Left);
