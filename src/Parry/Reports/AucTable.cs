using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>
/// The areas under the ROC curves of one attack that was measured at several budgets: detectors down, budgets across.
/// </summary>
/// <param name="Attack">The attack.</param>
/// <param name="Norm">Its norm.</param>
/// <param name="Budgets">In ascending order.</param>
/// <param name="Rows">One for each detector and threat.</param>
internal sealed record AucTable(string Attack, string? Norm, double[] Budgets, IReadOnlyList<AucTable.Row> Rows)
{
    /// <summary>One detector against one attacker: the area at each budget, null where it was not measured.</summary>
    internal sealed record Row(string Defense, Threat Threat, double?[] Areas);

    /// <summary>The tables, and the curves that are in none of them.</summary>
    public static (IReadOnlyList<AucTable> Tables, IReadOnlyList<RocCurve> Others) From(IReadOnlyList<RocCurve> rocs)
    {
        var tables = new List<AucTable>();
        foreach (var attack in rocs.Where(roc => roc.Epsilon is not null).GroupBy(roc => (roc.Attack, roc.Norm)))
        {
            double[] budgets = [.. attack.Select(roc => roc.Epsilon!.Value).Distinct().Order()];
            if (budgets.Length < 2)
                continue;
            tables.Add(
                new(
                    attack.Key.Attack,
                    attack.Key.Norm,
                    budgets,
                    [
                        .. attack
                            .GroupBy(roc => (roc.Defense, roc.Threat))
                            .OrderBy(row => row.Key.Threat)
                            .Select(row => new Row(
                                row.Key.Defense,
                                row.Key.Threat,
                                [.. budgets.Select(budget => row.FirstOrDefault(roc => roc.Epsilon == budget)?.Auc)]
                            )),
                    ]
                )
            );
        }

        return (
            tables,
            [.. rocs.Where(roc => !tables.Any(table => (table.Attack, table.Norm) == (roc.Attack, roc.Norm)))]
        );
    }

    /// <summary>
    /// Of curves that differ in their budget alone the one with the largest: the others are in the tables.
    /// </summary>
    public static IReadOnlyList<RocCurve> Largest(IReadOnlyList<RocCurve> rocs) =>
        [
            .. rocs.GroupBy(roc => (roc.Defense, roc.Attack, roc.Norm, roc.Threat))
                .Select(same => same.MaxBy(roc => roc.Epsilon ?? 0)!),
        ];
}
