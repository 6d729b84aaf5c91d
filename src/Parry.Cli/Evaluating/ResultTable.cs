using Parry.Evaluation;
using Parry.Reports;
using Spectre.Console;

namespace Parry.Cli.Evaluating;

/// <summary>
/// The tables of a report in the terminal, one for each defense: the undefended classifier, the static and the adaptive
/// attacker side by side.
/// </summary>
internal static class ResultTable
{
    /// <summary>Makes the tables; without defenses there is one.</summary>
    public static IEnumerable<Table> Of(EvaluationReport report)
    {
        string[] defenses =
        [
            .. report.Rows.Select(row => row.Defense).Where(defense => defense != EvaluationRow.Nothing).Distinct(),
        ];
        return defenses.Length == 0 ? [Of(report, null)] : defenses.Select(defense => Of(report, defense));
    }

    private static Table Of(EvaluationReport report, string? defense)
    {
        string name = defense?.Split(':')[0] ?? "";
        string[] defended = defense is null ? [] : [$">{name}\nattacker unaware", $">{name}\nattacker knows it"];
        Table table = Output.Table(["attack", "budget", ">no defense", .. defended]);

        // The name is longer than the columns' only if settings distinguish defenses of one kind.
        if (defense?.Contains(':', StringComparison.Ordinal) == true)
            table.Title(Tables.Cell(defense));
        var attacks = report
            .Rows.Where(row => row.Defense == EvaluationRow.Nothing || row.Defense == defense)
            .GroupBy(row => (row.Attack, row.Norm, row.Epsilon));
        foreach (var attack in attacks)
        {
            bool isClean = attack.Key.Attack == EvaluationRow.Nothing;
            List<string> cells =
            [
                isClean ? "clean images" : Tables.Cell(attack.Key.Attack),
                Budget(attack.Key.Norm, attack.Key.Epsilon),
                Accuracy(attack, EvaluationRow.Nothing, threat => threat == Threat.None),
            ];
            if (defense is not null)
            {
                cells.Add(Accuracy(attack, defense, threat => isClean ? threat == Threat.None : threat.IsUnaware()));
                cells.Add(isClean ? "" : Accuracy(attack, defense, Threats.IsAware));
            }

            table.AddRow([.. cells]);
        }

        if (defense is not null && report.KnownBreaksNotRun.TryGetValue(defense, out var breaks))
            foreach (string known in breaks)
                table.AddRow(Tables.Cell(known), "known break", "", "", "[red]not run[/]");
        return table;
    }

    private static string Accuracy(IEnumerable<EvaluationRow> rows, string defense, Func<Threat, bool> knows) =>
        rows.Where(row => row.Defense == defense && knows(row.Threat)).MinBy(row => row.RobustCorrect) is { } row
            ? $"{row.RobustAccuracy * 100:0.0} % [grey]({row.RobustCorrect}/{row.Count})[/]"
            : ReportText.NotMeasured;

    private static string Budget(string? norm, double? epsilon)
    {
        if (norm is null)
            return "";
        return epsilon is { } value ? $"{norm} {value:0.####}" : $"{norm} smallest";
    }
}
