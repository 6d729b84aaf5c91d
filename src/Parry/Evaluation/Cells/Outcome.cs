using Parry.Attacks;

namespace Parry.Evaluation.Cells;

/// <summary>
/// One attack at one budget against one bare or defended classifier, image by image: what the rows of a report are
/// counted from.
/// </summary>
internal sealed record Outcome
{
    // Perturbations are differences of float32 images.
    private const double Rounding = 1e-5;

    /// <summary>The attack's name in the report.</summary>
    public required string Attack { get; init; }

    /// <summary>The attack's norm.</summary>
    public required Norm Norm { get; init; }

    /// <summary>The budget, if there is one.</summary>
    public required double? Epsilon { get; init; }

    /// <summary>The defense's name, or "none".</summary>
    public required string Defense { get; init; }

    /// <summary>What the attacker knows.</summary>
    public required Threat Threat { get; init; }

    /// <summary>Whether each clean image is classified correctly.</summary>
    public required bool[] CleanCorrect { get; init; }

    /// <summary>
    /// Whether the image was worth attacking: classified correctly and not of the target class.
    /// </summary>
    public required bool[] Attackable { get; init; }

    /// <summary>Whether each image is still classified correctly under attack.</summary>
    public required bool[] AttackedCorrect { get; init; }

    /// <summary>
    /// Whether the attack fooled the classifier with its image, however far that is from the clean one.
    /// </summary>
    public required bool[] Fooled { get; init; }

    /// <summary>The size of each perturbation in the attack's norm.</summary>
    public required float[] Distances { get; init; }

    /// <summary>The size of each perturbation in any norm.</summary>
    public required IReadOnlyDictionary<Norm, float[]> Sizes { get; init; }

    /// <summary>Whether the attack is known to break the defense.</summary>
    public bool IsKnownBreak { get; init; }

    /// <summary>Forward passes that the attack spent on each image.</summary>
    public required double[] Queries { get; init; }

    /// <summary>Backward passes that the attack spent on each image.</summary>
    public required double[] Gradients { get; init; }

    /// <summary>How long the attack took, in seconds of wall clock.</summary>
    public required double Seconds { get; init; }

    /// <summary>
    /// How many successes are still successes with 8 bits per value; null where that was not measured.
    /// </summary>
    public int? SurviveRounding { get; init; }

    /// <summary>How many images the defense's detectors refused; null where it has none.</summary>
    public int? Refused { get; init; }

    /// <summary>
    /// Whether the attack leaves the true class and follows the gradients of this model; null for attacks towards a
    /// class, which are compared with none of these.
    /// </summary>
    public bool? FollowsGradients { get; init; }

    /// <summary>How the attack follows these gradients away from the true class.</summary>
    public GradientSteps GradientSteps { get; init; }

    /// <summary>
    /// The outcome of a cell at a budget that its attack was run at. An attack without a budget counts within each
    /// budget that the plan asks for.
    /// </summary>
    /// <param name="cell">The cell.</param>
    /// <param name="parts">All that was measured of it.</param>
    /// <param name="budget">The number of the budget among those of the parts.</param>
    public static IEnumerable<Outcome> Of(Cell cell, IReadOnlyList<CellPart> parts, int budget)
    {
        SampleRecord[] samples = [.. parts.SelectMany(part => part.Samples)];
        SampleResult[] results = [.. samples.Select(sample => sample.Results[budget])];
        double? own = parts[0].Epsilons[budget];
        Norm norm = cell.Attack.Attack.Norm;
        var sizes = Enum.GetValues<Norm>().ToDictionary(each => each, each => ArrayOf(results, one => one.Size(each)));
        IReadOnlyList<double?> budgets =
            own is null && cell.Attack.Epsilons is { } asked ? [.. asked.Cast<double?>()] : [own];
        return budgets.Select(epsilon => new Outcome
        {
            Attack = cell.Attack.Name,
            Norm = norm,
            Epsilon = epsilon,
            Defense = cell.Subject.Name,
            Threat = cell.Threat,
            CleanCorrect = [.. samples.Select(sample => sample.CleanCorrect)],
            Attackable = [.. samples.Select(sample => sample.Attackable)],
            AttackedCorrect = ArrayOf(results, one => !one.Fooled || (own is null && one.Size(norm) > epsilon)),
            Fooled = ArrayOf(results, one => one.Fooled),
            Sizes = sizes,
            Distances = sizes[norm],
            IsKnownBreak = cell.Attack.IsKnownBreak,
            Queries = ArrayOf(results, one => one.Queries),
            Gradients = ArrayOf(results, one => one.Gradients),
            Seconds = parts.Sum(part => part.Seconds[budget]),
            SurviveRounding = Survivors(results),
            Refused = cell.Subject.CanRefuse ? results.Count(one => one.Refused) : null,
            FollowsGradients = cell.Attack.FollowsGradients(cell.Threat),
            GradientSteps = cell.Attack.GradientSteps,
        });
    }

    /// <summary>Counts the row.</summary>
    public EvaluationRow ToRow(EvaluationPlan plan)
    {
        bool[] robust = Robust();
        double[] distances =
        [
            .. Enumerable
                .Range(0, robust.Length)
                .Where(i => Attackable[i])
                .Select(i => robust[i] ? double.PositiveInfinity : Distances[i]),
        ];
        int cleanCorrect = Count(CleanCorrect);
        int robustCorrect = Count(robust);
        return new EvaluationRow
        {
            Model = plan.ModelName,
            Data = plan.DataName,
            Attack = Attack,
            Norm = Norm.Name(),
            Epsilon = Epsilon,
            IsKnownBreak = IsKnownBreak,
            Defense = Defense,
            Threat = Threat,
            Count = robust.Length,
            CleanCorrect = cleanCorrect,
            RobustCorrect = robustCorrect,
            Attacked = Count(Attackable),
            Succeeded = cleanCorrect - robustCorrect,
            SurviveRounding = SurviveRounding,
            Refused = Refused,
            MedianDistance = distances.Length == 0 ? null : Median.Of(distances),
            Gradients = Gradients.Average(),
            Queries = Queries.Average(),
            Seconds = Seconds,
            Seed = plan.Seed,
        };
    }

    /// <summary>
    /// Which images are correct before and under attack. One that was wrong before stays wrong: an attack never helps.
    /// </summary>
    public bool[] Robust() => [.. CleanCorrect.Zip(AttackedCorrect, (before, after) => before && after)];

    /// <summary>Which images it fooled the classifier with, within a budget.</summary>
    public bool[] FooledWithin(Norm norm, double epsilon)
    {
        float[] sizes = Sizes[norm];
        double most = epsilon * (1 + Rounding);
        return [.. Fooled.Select((fooled, i) => fooled && sizes[i] <= most)];
    }

    /// <summary>
    /// For each image the better of two attacks: an attacker who can run both keeps what fools the model, or the
    /// smaller of two that do.
    /// </summary>
    public Outcome OrBetter(Outcome other)
    {
        bool[] correct = [.. AttackedCorrect.Zip(other.AttackedCorrect, (mine, its) => mine && its)];
        float[] distances = [.. Enumerable.Range(0, correct.Length).Select(Better)];
        return this with { AttackedCorrect = correct, Distances = distances };

        float Better(int i)
        {
            if (AttackedCorrect[i] == other.AttackedCorrect[i])
                return Math.Min(Distances[i], other.Distances[i]);
            return AttackedCorrect[i] ? other.Distances[i] : Distances[i];
        }
    }

    private static int? Survivors(SampleResult[] results) =>
        results.Any(one => one.SurvivesRounding is null) ? null : results.Count(one => one.SurvivesRounding == true);

    private static T[] ArrayOf<T>(SampleResult[] results, Func<SampleResult, T> value) => [.. results.Select(value)];

    private static int Count(bool[] flags) => flags.Count(flag => flag);
}
