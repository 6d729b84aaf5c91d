using System.Globalization;

namespace Parry.Evaluation;

/// <summary>
/// Signs that a defense's number measures a weak attack rather than robustness (Athalye, Carlini, Wagner, 2018,
/// 1802.00420; Carlini et al., 2019, 1902.06705): each becomes a warning in the report.
/// </summary>
public static class GradientMasking
{
    // Without a limit on the change every image can be fooled; an attack that leaves more than this has failed.
    private const double AnotherTry = 0.05;
    private const double Emptied = 0.01;
    private const double ZeroShare = 0.05;
    private const double ChanceShare = 0.05;

    /// <summary>The warnings that the rows of one evaluation give.</summary>
    /// <param name="measured">What each attack left by itself.</param>
    /// <param name="shown">The same as a report shows it, where an attacker who knows a defense also uses what one
    /// finds who does not; null where that is the same.</param>
    public static IReadOnlyList<string> Warnings(
        IReadOnlyList<EvaluationRow> measured,
        IReadOnlyList<EvaluationRow>? shown = null
    ) =>
        [
            .. OfAdaptiveAttacks(Attacked(measured)),
            .. OfLargerBudgets(Attacked(measured)),
            .. OfUnlimitedAttacks(Attacked(shown ?? measured)),
        ];

    private static EvaluationRow[] Attacked(IEnumerable<EvaluationRow> rows) =>
        [.. rows.Where(row => row.Attack != EvaluationRow.Nothing)];

    // The attacker who knows the defense can do whatever the other does.
    private static IEnumerable<string> OfAdaptiveAttacks(EvaluationRow[] rows)
    {
        var emptied = rows.Where(row => row.Defense == EvaluationRow.Nothing && row.RobustAccuracy <= Emptied)
            .Select(Cell)
            .ToHashSet();
        foreach (var group in rows.GroupBy(Cell))
        {
            EvaluationRow? unaware = group.FirstOrDefault(row => row.Threat.IsUnaware());
            EvaluationRow? adaptive = group.Where(row => row.Threat.IsAware()).MinBy(row => row.RobustCorrect);
            if (unaware is null || adaptive is null)
                continue;
            if (
                AllStayRight(unaware)
                && AllStayRight(adaptive)
                && emptied.Contains(group.Key with { Defense = EvaluationRow.Nothing })
            )
                yield return $"{Name(adaptive)} changes no answer, whether the attacker knows {adaptive.Defense} or "
                    + "not, and leaves nothing right without it: gradients are masked, and this number is not evidence "
                    + "of robustness.";
            if (adaptive.RobustLow <= unaware.RobustHigh)
                continue;
            yield return $"{Name(adaptive)}: the attack that knows {adaptive.Defense} does worse by itself "
                + $"({adaptive.RobustCorrect}/{adaptive.Count} right) than the one that does not "
                + $"({unaware.RobustCorrect}/{unaware.Count}). The adaptive attack is too weak or gradients are "
                + "masked: the lower number counts.";
        }
    }

    private static (string Attack, string? Norm, double? Epsilon, string Defense) Cell(EvaluationRow row) =>
        (row.Attack, row.Norm, row.Epsilon, row.Defense);

    private static bool AllStayRight(EvaluationRow row) =>
        row.CleanCorrect > 0 && row.RobustCorrect == row.CleanCorrect;

    // A larger budget holds all that a smaller one does.
    private static IEnumerable<string> OfLargerBudgets(IEnumerable<EvaluationRow> rows)
    {
        IEnumerable<EvaluationRow> limited = rows.Where(row => row.Epsilon is not null);
        foreach (var curve in limited.GroupBy(row => (row.Attack, row.Norm, row.Defense, row.Threat)))
        {
            EvaluationRow[] ordered = [.. curve.OrderBy(row => row.Epsilon)];
            foreach (var (smaller, larger) in ordered.Zip(ordered.Skip(1)))
            {
                if (larger.RobustLow > smaller.RobustHigh)
                    yield return $"{Name(larger)} leaves more images right than a smaller budget did "
                        + $"({larger.RobustCorrect} against {smaller.RobustCorrect} of {larger.Count}): the "
                        + "attack is not optimizing. Curves show the smallest number within each budget.";
            }
        }
    }

    private static IEnumerable<string> OfUnlimitedAttacks(IEnumerable<EvaluationRow> rows) =>
        from row in rows
        where row.Epsilon is null && !row.Threat.IsUnaware() && row.RobustAccuracy > AnotherTry
        select $"{Name(row)} has no limit and still leaves {row.RobustCorrect} of {row.Count} right: it is too weak "
            + "for this model, and its number is not evidence of robustness.";

    /// <summary>The warnings where an attack of many steps does worse than one of a single step.</summary>
    /// <param name="single">Rows of attacks that take one step along the gradient, away from the true class.</param>
    /// <param name="iterated">Rows of attacks that take many.</param>
    public static IReadOnlyList<string> OfManySteps(
        IReadOnlyList<EvaluationRow> single,
        IReadOnlyList<EvaluationRow> iterated
    )
    {
        var warnings = new List<string>();
        foreach (EvaluationRow many in iterated)
        {
            EvaluationRow? one = single
                .Where(row => (row.Norm, row.Epsilon) == (many.Norm, many.Epsilon))
                .Where(row => (row.Defense, row.Threat) == (many.Defense, many.Threat))
                .MinBy(row => row.RobustCorrect);
            if (one is null || many.RobustLow <= one.RobustHigh)
                continue;
            warnings.Add(
                $"{Name(many)} is weaker than the single step of {one.Attack} ({many.RobustCorrect} against "
                    + $"{one.RobustCorrect} of {one.Count} right): gradients are masked or its steps are badly chosen."
            );
        }

        return warnings;
    }

    /// <summary>
    /// The warnings where attacks that differentiate nothing of the model beat all that do, at the same norm and
    /// budget.
    /// </summary>
    /// <param name="byGradients">Rows of untargeted attacks that follow the gradients of the attacked model.</param>
    /// <param name="blind">Rows of untargeted attacks by scores or labels alone, or with images from a
    /// substitute.</param>
    public static IReadOnlyList<string> OfBlindAttacks(
        IReadOnlyList<EvaluationRow> byGradients,
        IReadOnlyList<EvaluationRow> blind
    )
    {
        var warnings = new List<string>();
        foreach (
            var group in blind
                .Where(row => row.Epsilon is not null)
                .GroupBy(row => (row.Norm, row.Epsilon, row.Defense))
        )
        {
            EvaluationRow found = group.MinBy(row => row.RobustCorrect)!;
            EvaluationRow? best = byGradients
                .Where(row => (row.Norm, row.Epsilon, row.Defense) == group.Key)
                .MinBy(row => row.RobustCorrect);
            if (best is not null && best.RobustLow > found.RobustHigh)
            {
                warnings.Add(
                    $"{Name(found)}, which sees no gradients, leaves fewer images right than any attack that does "
                        + $"({found.RobustCorrect} of {found.Count} against {best.RobustCorrect} under {best.Attack}): "
                        + "gradients are masked, and the lower number counts."
                );
            }
        }

        return warnings;
    }

    /// <summary>
    /// The warning where more than 5 % of the images have no gradient to follow, or null: fewer do not move a number
    /// beyond its confidence interval on a few hundred images; with more, the accuracy under a gradient attack means
    /// little.
    /// </summary>
    /// <param name="model">The model as the report names it.</param>
    /// <param name="without">Images whose gradient of the attacks' loss, the cross entropy in float32, is exactly zero
    /// or not finite: a saturated softmax gives that too.</param>
    /// <param name="flat">Those of them whose margin has no gradient either, so that no loss helps.</param>
    /// <param name="count">The correctly classified images among which they were counted.</param>
    public static string? OfZeroGradients(string model, int without, int flat, int count) =>
        without <= ZeroShare * count
            ? null
            : $"{model}: the gradient of the loss is zero or not finite for {without} of the {count} clean images "
                + "that are classified correctly. Attacks that follow the gradient do not move there, and their "
                + "numbers mean nothing: "
                + (
                    2 * flat > without
                        ? "no loss has a gradient there, as where a last sigmoid or softmax rounds to 0 or 1. Export "
                            + "the model without it, or use square, which needs no gradients."
                        : "use loss=margin (PGD), loss=dlr (APGD) or square, which needs no gradients."
                );

    /// <summary>
    /// The warning where random search fools a model with images that every attack by gradients of the same budget left
    /// right, or null. Answers that are random differ by chance alone, so there more than 5 % of the images must be
    /// fooled.
    /// </summary>
    /// <param name="model">The model as the report names it.</param>
    /// <param name="draws">Perturbations drawn for each image.</param>
    /// <param name="isRandom">Whether the model's answers are random.</param>
    /// <param name="found">For each budget, how many images it fooled, and how many had been left.</param>
    public static string? OfRandomSearch(
        string model,
        int draws,
        bool isRandom,
        IReadOnlyList<(string Budget, int Fooled, int Left)> found
    )
    {
        string[] budgets =
        [
            .. found
                .Where(budget => budget.Fooled > (isRandom ? ChanceShare * budget.Left : 0))
                .Select(budget => $"{budget.Budget}, {budget.Fooled} of the {budget.Left} images they left right"),
        ];
        return budgets.Length == 0
            ? null
            : $"{model}: random search, {draws} draws for each image, fools it where attacks that follow gradients do "
                + $"not: {string.Join("; ", budgets)}. Gradients are "
                + $"masked{(isRandom ? ", or its random answers vary much" : "")}: the numbers are too high by at "
                + "least these images.";
    }

    /// <summary>A budget in the words of the warnings, such as "linf 0.1".</summary>
    internal static string Budget(string? norm, double epsilon) =>
        string.Create(CultureInfo.InvariantCulture, $"{norm} {epsilon:0.###}");

    private static string Name(EvaluationRow row)
    {
        string budget = row.Epsilon is { } epsilon ? $" at {Budget(row.Norm, epsilon)}" : "";
        string defense = row.Defense == EvaluationRow.Nothing ? "" : $" on {row.Defense}";
        return $"{row.Attack}{budget}{defense}";
    }
}
