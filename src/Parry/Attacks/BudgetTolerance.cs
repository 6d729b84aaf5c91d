namespace Parry.Attacks;

/// <summary>
/// How far images in float32 may be beyond a budget. Every value is rounded, by at most half of the last bit of 1, and
/// a norm adds these up: the more values an image has, the more.
/// </summary>
internal static class BudgetTolerance
{
    private const double Relative = 1e-6;
    private const double RoundingOfAValue = 1.0 / (1 << 24);

    /// <summary>What a change may exceed its budget by.</summary>
    /// <param name="norm">The norm of the budget.</param>
    /// <param name="budget">The budget.</param>
    /// <param name="values">The number of values of an image.</param>
    public static double Of(Norm norm, double budget, long values) =>
        (Relative * Math.Max(1, budget)) + (RoundingOfAValue * SizeOfOnes(norm, values));

    // The norm of a change by 1 of every value.
    private static double SizeOfOnes(Norm norm, long values) =>
        norm switch
        {
            Norm.L0 => 0,
            Norm.L1 => values,
            Norm.L2 => Math.Sqrt(values),
            _ => 1,
        };
}
