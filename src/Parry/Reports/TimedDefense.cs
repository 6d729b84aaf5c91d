using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>One defense, or none: how long an answer takes, and the accuracy under the strongest attacks.</summary>
/// <param name="Name">As the report spells it.</param>
/// <param name="Milliseconds">For one image.</param>
/// <param name="Clean">The accuracy on clean images.</param>
/// <param name="Static">The worst measurement with an attacker who does not know the defense; null for the bare
/// classifier, or where there is none.</param>
/// <param name="Adaptive">The worst one with an attacker who knows it; for the bare classifier the worst of
/// all.</param>
internal sealed record TimedDefense(
    string Name,
    double Milliseconds,
    double Clean,
    EvaluationRow? Static,
    EvaluationRow? Adaptive
)
{
    private const string BareName = "no defense";

    /// <summary>Whether it is the bare classifier.</summary>
    public bool IsBare => Static is null && Name == BareName;

    /// <summary>
    /// The bare classifier and all defenses, the fastest first; empty without a defense. Attacks count at the budgets
    /// at which the bare classifier was attacked too, so that all are compared at the same budgets; if none has a
    /// budget, all attacks count.
    /// </summary>
    public static IReadOnlyList<TimedDefense> From(EvaluationReport report)
    {
        if (!report.Times.Any(time => time.Defense != EvaluationRow.Nothing))
            return [];
        EvaluationRow[] attacks = [.. report.Rows.Where(row => row.Attack != EvaluationRow.Nothing)];
        var budgets = attacks
            .Where(row => row is { Defense: EvaluationRow.Nothing, Epsilon: not null })
            .Select(row => (row.Norm, row.Epsilon))
            .ToHashSet();
        if (budgets.Count > 0)
            attacks = [.. attacks.Where(row => budgets.Contains((row.Norm, row.Epsilon)))];
        return
        [
            .. report
                .Times.OrderBy(time => time.Milliseconds)
                .Select(time => new TimedDefense(
                    time.Defense == EvaluationRow.Nothing ? BareName : ReportText.Name(time.Defense),
                    time.Milliseconds,
                    time.CleanAccuracy,
                    Worst(time.Defense, Threats.IsUnaware),
                    Worst(time.Defense, threat => threat.IsAware() || time.Defense == EvaluationRow.Nothing)
                )),
        ];

        EvaluationRow? Worst(string defense, Func<Threat, bool> knows) =>
            attacks.Where(row => row.Defense == defense && knows(row.Threat)).MinBy(row => row.RobustAccuracy);
    }
}
