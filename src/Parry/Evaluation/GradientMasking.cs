using Parry.Reports;

namespace Parry.Evaluation;

/// <summary>
/// Signs that a defense's number measures a weak attack rather than robustness (Athalye, Carlini, Wagner, 2018, 1802.00420; Carlini et al., 2019,
/// 1902.06705): each becomes a warning in the report.
/// </summary>
public static class GradientMasking
{
    // Without a limit on the change every image can be fooled; an attack that leaves more than this has failed.
    private const double AnotherTry = 0.05;

    /// <summary>The warnings that the rows of one evaluation give.</summary>
    public static IReadOnlyList<string> Warnings(IReadOnlyList<EvaluationRow> rows)
    {
        var warnings = new List<string>();
        foreach (var group in rows.Where(row => row.Attack != EvaluationRow.Nothing).GroupBy(row => (row.Attack, row.Norm, row.Epsilon, row.Defense)))
        {
            EvaluationRow? unaware = group.FirstOrDefault(row => row.Threat.IsUnaware()), adaptive = group.Where(row => row.Threat.IsAware()).MinBy(row => row.RobustCorrect);
            if (unaware is not null && adaptive is not null && adaptive.RobustLow > unaware.RobustHigh)
            {
                warnings.Add($"{Name(adaptive)}: the attacker who knows {adaptive.Defense} does worse ({adaptive.RobustCorrect}/{adaptive.Count} right) than the one who does not "
                    + $"({unaware.RobustCorrect}/{unaware.Count}). The adaptive attack is too weak or gradients are masked: the lower number counts.");
            }
        }

        foreach (var curve in rows.Where(row => row.Epsilon is not null).GroupBy(row => (row.Attack, row.Norm, row.Defense, row.Threat)))
        {
            EvaluationRow[] ordered = [.. curve.OrderBy(row => row.Epsilon)];
            for (int i = 1; i < ordered.Length; i++)
            {
                if (ordered[i].RobustLow > ordered[i - 1].RobustHigh)
                    warnings.Add($"{Name(ordered[i])} leaves more images right than a smaller budget did ({ordered[i].RobustCorrect} against {ordered[i - 1].RobustCorrect} of {ordered[i].Count}): the attack is not optimizing.");
            }
        }

        foreach (var group in rows.Where(row => row.Epsilon is not null).GroupBy(row => (row.Norm, row.Epsilon, row.Defense, row.Threat)))
        {
            EvaluationRow? single = group.FirstOrDefault(row => row.Attack == "fgsm"), iterated = group.FirstOrDefault(row => row.Attack.StartsWith("pgd", StringComparison.Ordinal));
            if (single is not null && iterated is not null && iterated.RobustLow > single.RobustHigh)
                warnings.Add($"{Name(iterated)} is weaker than the single step of fgsm ({iterated.RobustCorrect} against {single.RobustCorrect} of {single.Count} right): gradients are masked or its steps are badly chosen.");
        }

        foreach (EvaluationRow unlimited in rows.Where(row => row.Epsilon is null && !row.Threat.IsUnaware() && row.Attack != EvaluationRow.Nothing))
        {
            if (unlimited.RobustLow > AnotherTry)
                warnings.Add($"{Name(unlimited)} has no limit and still leaves {unlimited.RobustCorrect} of {unlimited.Count} right: it is too weak for this model, and its number is no robustness.");
        }

        return warnings;
    }

    private static string Name(EvaluationRow row)
    {
        string budget = row.Epsilon is { } epsilon ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $" at {row.Norm} {epsilon:0.###}") : "";
        string defense = row.Defense == EvaluationRow.Nothing ? "" : $" on {row.Defense}";
        return $"{row.Attack}{budget}{defense}";
    }
}
