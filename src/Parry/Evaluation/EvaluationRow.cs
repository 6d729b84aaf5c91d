namespace Parry.Evaluation;

/// <summary>
/// One measurement: one attack at one budget on one model, with one defense or none. Only counts are stored; the
/// fractions follow from them. In JSON the names are in snake_case, and the fractions are written too.
/// </summary>
public sealed record EvaluationRow
{
    /// <summary>
    /// The value of <see cref="Attack"/> without an attack and of <see cref="Defense"/> without a defense.
    /// </summary>
    public const string Nothing = "none";

    /// <summary>The classifier's name or file.</summary>
    public required string Model { get; init; }

    /// <summary>The image set's name or folder.</summary>
    public required string Data { get; init; }

    /// <summary>
    /// The attack's command-line name, for example <c>pgd</c>; <see cref="Nothing"/> for clean images.
    /// </summary>
    public required string Attack { get; init; }

    /// <summary>
    /// The norm the budget is in: <c>linf</c>, <c>l2</c>, <c>l1</c> or <c>l0</c>; null without an attack.
    /// </summary>
    public required string? Norm { get; init; }

    /// <summary>
    /// The budget in that norm, for pixels in [0, 1]; null for an attack that searches for the smallest change.
    /// </summary>
    public required double? Epsilon { get; init; }

    /// <summary>
    /// The defense's command-line name, for example <c>defense-gan</c>; <see cref="Nothing"/> for the bare classifier.
    /// </summary>
    public required string Defense { get; init; }

    /// <summary>What the attacker knew of the defense.</summary>
    public required Threat Threat { get; init; }

    /// <summary>Whether the attack is known to break the defense.</summary>
    public bool IsKnownBreak { get; init; }

    /// <summary>The number of images, at least 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1.</exception>
    public required int Count
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    }

    /// <summary>
    /// The fraction of all images that the classifier, with its defense, classifies correctly without an attack.
    /// </summary>
    public double CleanAccuracy => (double)CleanCorrect / Count;

    /// <summary>
    /// The fraction of all images that are classified correctly before and under attack.
    /// </summary>
    public double RobustAccuracy => (double)RobustCorrect / Count;

    /// <summary>The lower end of the 95 % Wilson interval of <see cref="RobustAccuracy"/>.</summary>
    public double RobustLow => WilsonInterval.Of(RobustCorrect, Count).Low;

    /// <summary>The upper end of the 95 % Wilson interval of <see cref="RobustAccuracy"/>.</summary>
    public double RobustHigh => WilsonInterval.Of(RobustCorrect, Count).High;

    /// <summary>
    /// The fraction of the attacked images on which the attack succeeded; null when none was attacked.
    /// </summary>
    public double? SuccessRate => Attacked == 0 ? null : (double)Succeeded / Attacked;

    /// <summary>
    /// The median size of the perturbation over the attacked images, in <see cref="Norm"/>, where a failure counts as
    /// infinitely far; null when that median is infinite (half of the attacks or more failed) or nothing was attacked.
    /// </summary>
    public required double? MedianDistance
    {
        get;
        init => field = value is { } distance && double.IsFinite(distance) ? distance : null;
    }

    /// <summary>
    /// Backward passes of the attack per image: the mean over all images, of which those not attacked cost none.
    /// </summary>
    public required double Gradients { get; init; }

    /// <summary>Forward passes of the attack per image: the mean over all images.</summary>
    public required double Queries { get; init; }

    /// <summary>How long the attack took, in seconds of wall clock.</summary>
    public required double Seconds { get; init; }

    /// <summary>The seed that reproduces the measurement.</summary>
    public required long Seed { get; init; }

    /// <summary>
    /// Images that the classifier, with its defense, classifies correctly without an attack: 0 to
    /// <see cref="Count"/>.
    /// </summary>
    public required int CleanCorrect { get; init; }

    /// <summary>Images classified correctly before and under attack, of all <see cref="Count"/>.</summary>
    public required int RobustCorrect { get; init; }

    /// <summary>
    /// Images that were attacked: those classified correctly (untargeted), or not of the target class (targeted).
    /// </summary>
    public required int Attacked { get; init; }

    /// <summary>Attacked images on which the attack reached its goal: 0 to <see cref="Attacked"/>.</summary>
    public required int Succeeded { get; init; }

    /// <summary>
    /// Successes that are still successes with 8 bits per value, as in a PNG; null where that was not measured: it is
    /// for the bare classifier only.
    /// </summary>
    public int? SurviveRounding { get; init; }

    /// <summary>
    /// Images that the defense's detectors refused, of all <see cref="Count"/>; null where it has none. A clean image
    /// that is refused counts as misclassified, an attacked one as correct.
    /// </summary>
    public int? Refused { get; init; }
}
