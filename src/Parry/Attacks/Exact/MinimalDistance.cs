namespace Parry.Attacks.Exact;

/// <summary>What is proven about the distance of an image to the nearest one that reaches a goal.</summary>
/// <param name="LowerBound">No image that reaches the goal is nearer; infinite when none in the box reaches it.</param>
/// <param name="UpperBound">The distance of the nearest that was found; infinite when none was.</param>
public sealed record MinimalDistance(double LowerBound, double UpperBound)
{
    private const double Tolerance = 1e-4;

    /// <summary>
    /// Whether the bounds meet, to 1e-4 of the distance (or of 1, where it is larger) for what the solver and float32
    /// leave open.
    /// </summary>
    public bool Proven =>
        LowerBound == UpperBound
        || (double.IsFinite(UpperBound) && UpperBound - LowerBound <= Tolerance * Math.Max(1, UpperBound));
}
