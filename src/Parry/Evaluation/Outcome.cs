using Parry.Attacks;

namespace Parry.Evaluation;

/// <summary>
/// One attack at one budget against one defended or bare classifier, image by image: what the rows of a report are
/// counted from.
/// </summary>
/// <param name="Attack">The attack's name in the report.</param>
/// <param name="Norm">The attack's norm.</param>
/// <param name="Epsilon">The budget, if there is one.</param>
/// <param name="Defense">The defense's name, or "none".</param>
/// <param name="Threat">What the attacker knows.</param>
/// <param name="CleanRight">Whether each clean image is classified rightly.</param>
/// <param name="Attackable">Whether there was anything to attack: the image is classified rightly and is not of the
/// wanted class.</param>
/// <param name="AttackedRight">Whether each image is still classified rightly under attack.</param>
/// <param name="Distances">The size of each perturbation in the attack's norm.</param>
/// <param name="Result">The run of the attack, for its costs and images.</param>
internal sealed record Outcome(
    string Attack,
    Norm Norm,
    double? Epsilon,
    string Defense,
    Threat Threat,
    bool[] CleanRight,
    bool[] Attackable,
    bool[] AttackedRight,
    float[] Distances,
    AttackResult Result
)
{
    /// <summary>
    /// How many successes are still successes with 8 bits per value; null where that was not looked at.
    /// </summary>
    public int? SurviveRounding { get; init; }

    /// <summary>How many images the defense's detectors refused; null where it has none.</summary>
    public int? Refused { get; init; }

    /// <summary>
    /// Whether the attack leaves the true class and follows the gradients of this model; null for attacks towards a
    /// class, which are compared with none of these.
    /// </summary>
    public bool? ByGradients { get; init; }

    /// <summary>Counts the row. An image that was wrong before stays wrong: an attacker never helps.</summary>
    public EvaluationRow ToRow(EvaluationPlan plan)
    {
        int count = CleanRight.Length;
        bool[] robust = Robust();
        var distances = Enumerable
            .Range(0, count)
            .Where(i => Attackable[i])
            .Select(i => robust[i] ? double.PositiveInfinity : Distances[i])
            .ToArray();
        int right = CleanRight.Count(r => r),
            left = robust.Count(r => r),
            attacked = Attackable.Count(r => r);
        return new EvaluationRow
        {
            Model = plan.ModelName,
            Data = plan.DataName,
            Attack = Attack,
            Norm = Norm.Name(),
            Epsilon = Epsilon,
            Defense = Defense,
            Threat = Threat,
            Count = count,
            CleanCorrect = right,
            RobustCorrect = left,
            Attacked = attacked,
            Succeeded = right - left,
            SurviveRounding = SurviveRounding,
            Refused = Refused,
            MedianDistance = distances.Length == 0 ? null : Median.Of(distances),
            Gradients = Result.Gradients.Average(),
            Queries = Result.Queries.Average(),
            Seconds = Result.Seconds,
            Seed = plan.Seed,
        };
    }

    public bool[] Robust() => [.. CleanRight.Zip(AttackedRight, (before, after) => before && after)];

    /// <summary>
    /// For each image the better of two attacks: who can run both keeps what fools the model, or the smaller of two
    /// that do.
    /// </summary>
    public Outcome OrBetter(Outcome other)
    {
        bool[] right = [.. AttackedRight.Zip(other.AttackedRight, (mine, its) => mine && its)];
        float[] distances =
        [
            .. Enumerable
                .Range(0, right.Length)
                .Select(i =>
                    AttackedRight[i] == other.AttackedRight[i] ? Math.Min(Distances[i], other.Distances[i])
                    : AttackedRight[i] ? other.Distances[i]
                    : Distances[i]
                ),
        ];
        return this with { AttackedRight = right, Distances = distances };
    }
}
