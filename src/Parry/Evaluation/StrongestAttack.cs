namespace Parry.Evaluation;

/// <summary>
/// What may be claimed of a classifier: no more than the smallest accuracy that any attack left. Every sentence,
/// ranking and curve of a report asks here.
/// </summary>
public static class StrongestAttack
{
    /// <summary>
    /// The row of the smallest accuracy under attack. Attacks count that have a budget, or are known to break the
    /// defense; others without a limit on the change, which fool every classifier in the end, count only where no
    /// attack has a budget.
    /// </summary>
    /// <param name="rows">The rows of one model and data set.</param>
    /// <param name="defense">The defense's name, or <see cref="EvaluationRow.Nothing"/>.</param>
    /// <param name="knows">Which attackers count.</param>
    /// <returns>Null where no such attack was run.</returns>
    public static EvaluationRow? On(IEnumerable<EvaluationRow> rows, string defense, Func<Threat, bool> knows)
    {
        EvaluationRow[] attacks = [.. rows.Where(row => row.Attack != EvaluationRow.Nothing)];
        bool budgets = attacks.Any(row => row.Epsilon is not null);
        return attacks
            .Where(row => row.Defense == defense && knows(row.Threat))
            .Where(row => !budgets || row.Epsilon is not null || row.IsKnownBreak)
            .MinBy(row => row.RobustAccuracy);
    }

    /// <summary>
    /// The row of the smallest accuracy under attacks whose budget is no larger than this one: whoever may change an
    /// image more can also change it less.
    /// </summary>
    /// <param name="rows">The rows of one model and data set.</param>
    /// <param name="defense">The defense's name, or <see cref="EvaluationRow.Nothing"/>.</param>
    /// <param name="knows">Which attackers count.</param>
    /// <param name="norm">The budget's norm.</param>
    /// <param name="epsilon">The budget.</param>
    /// <returns>Null where no such attack was run.</returns>
    public static EvaluationRow? Within(
        IEnumerable<EvaluationRow> rows,
        string defense,
        Func<Threat, bool> knows,
        string? norm,
        double epsilon
    ) =>
        rows.Where(row => row.Defense == defense && knows(row.Threat))
            .Where(row => row.Norm == norm && row.Epsilon <= epsilon)
            .MinBy(row => row.RobustAccuracy);

    /// <summary>
    /// The smallest accuracy that an attacker leaves who knows the defense, and so can also do what one does who does
    /// not; null where no attacker who knows it was tried.
    /// </summary>
    /// <param name="rows">The rows of one model and data set.</param>
    /// <param name="defense">The defense's name.</param>
    public static EvaluationRow? OfAware(IEnumerable<EvaluationRow> rows, string defense)
    {
        EvaluationRow[] all = [.. rows];
        return On(all, defense, Threats.IsAware) is null ? null : On(all, defense, threat => threat != Threat.None);
    }
}
