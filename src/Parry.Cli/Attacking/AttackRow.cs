namespace Parry.Cli.Attacking;

/// <summary>One attack at one budget, as <c>parry attack --json</c> writes it.</summary>
/// <param name="Attack">The attack with its options, as text that can be given again.</param>
/// <param name="Norm">The norm it bounds or minimizes.</param>
/// <param name="Epsilon">The budget; null for an attack that searches for the smallest change.</param>
/// <param name="Count">The number of images.</param>
/// <param name="CleanCorrect">Images classified correctly without an attack.</param>
/// <param name="RobustCorrect">Images classified correctly before, on which the attack did not reach its goal.</param>
/// <param name="Attacked">Images that were attacked: those for which the goal was not already reached.</param>
/// <param name="Succeeded">Attacked images on which the attack reached its goal.</param>
/// <param name="SurviveRounding">Successes that are still successes with 8 bits per value, as in a PNG.</param>
/// <param name="MedianDistance">Median size of the perturbation over the attacked images, a failed attack counting as
/// infinite; null when infinite.</param>
/// <param name="Queries">Forward passes per attacked image.</param>
/// <param name="Gradients">Backward passes per attacked image.</param>
/// <param name="Seconds">Wall-clock time.</param>
/// <param name="Seed">The seed that reproduces it.</param>
internal sealed record AttackRow(
    string Attack,
    string Norm,
    double? Epsilon,
    int Count,
    int CleanCorrect,
    int RobustCorrect,
    int Attacked,
    int Succeeded,
    int SurviveRounding,
    double? MedianDistance,
    double Queries,
    double Gradients,
    double Seconds,
    long Seed
)
{
    /// <summary>The fraction of all images that are classified correctly without an attack.</summary>
    public double CleanAccuracy => (double)CleanCorrect / Count;

    /// <summary>The fraction of all images that are classified correctly before and under attack.</summary>
    public double RobustAccuracy => (double)RobustCorrect / Count;

    /// <summary>The fraction of the attacked images on which the attack succeeded.</summary>
    public double? SuccessRate => Attacked == 0 ? null : (double)Succeeded / Attacked;
}
