using Parry.Attacks;

namespace Parry.Evaluation.Verification;

/// <summary>What was found out about one handed-in image.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Original">The position of its original in the set.</param>
/// <param name="Label">The true class.</param>
/// <param name="CleanCorrect">Whether the original is classified correctly and accepted.</param>
/// <param name="Predicted">The class that is predicted for it.</param>
/// <param name="Refused">Whether a detector refuses it.</param>
/// <param name="Change">How far it is from its original.</param>
/// <param name="InBox">Whether all its values are in [0, 1].</param>
/// <param name="Budget">Whether the change is within the budget.</param>
/// <param name="Fools">Whether it is misclassified and accepted.</param>
/// <param name="FoolsRounded">Whether it still is with 8 bits for each value.</param>
public sealed record VerifiedImage(
    string Name,
    int Original,
    long Label,
    bool CleanCorrect,
    long Predicted,
    bool Refused,
    Distances Change,
    bool InBox,
    BudgetCheck Budget,
    bool Fools,
    bool FoolsRounded
)
{
    /// <summary>Whether it counts: its values and its change are what they may be.</summary>
    public bool IsValid => InBox && Budget != BudgetCheck.Over;

    /// <summary>Whether it is a success: it counts, it fools, and its original does not.</summary>
    public bool Succeeds => IsValid && CleanCorrect && Fools;

    /// <summary>Whether it is a success with 8 bits for each value.</summary>
    public bool SucceedsRounded => IsValid && CleanCorrect && FoolsRounded;
}

/// <summary>The size of a change in every norm.</summary>
/// <param name="Linf">The largest change of a value.</param>
/// <param name="L2">The Euclidean length.</param>
/// <param name="L1">The sum of the changes.</param>
/// <param name="L0">The number of changed values.</param>
public sealed record Distances(double Linf, double L2, double L1, double L0)
{
    /// <summary>The size in one norm.</summary>
    public double In(Norm norm) =>
        norm switch
        {
            Norm.L0 => L0,
            Norm.L1 => L1,
            Norm.L2 => L2,
            _ => Linf,
        };
}

/// <summary>Whether a change is within a budget.</summary>
public enum BudgetCheck
{
    /// <summary>It is, or there is no budget.</summary>
    Within,

    /// <summary>
    /// It is over by no more than half of one of the levels that its file can store, which rounding explains.
    /// </summary>
    OverByRounding,

    /// <summary>It is over.</summary>
    Over,
}
