using System.Globalization;
using Parry.Evaluation;
using Parry.Reports;
using Spectre.Console;

namespace Parry.Cli.Evaluating;

/// <summary>
/// The tables of a report in the terminal, one for each defense: bare classifier, static and adaptive attacker side by
/// side.
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
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns("attack", "budget");
        table.AddColumn(new TableColumn("no defense").RightAligned());
        if (defense is not null)
        {
            string name = Markup.Escape(defense.Split(':')[0]);
            table.AddColumn(new TableColumn($"{name}\nattacker unaware").RightAligned());
            table.AddColumn(new TableColumn($"{name}\nattacker knows it").RightAligned());

            // Only where settings tell defenses of one kind apart is the name longer than the columns'.
            if (defense.Contains(':', StringComparison.Ordinal))
                table.Title(Markup.Escape(defense));
        }

        foreach (
            var group in report
                .Rows.Where(row => row.Defense == EvaluationRow.Nothing || row.Defense == defense)
                .GroupBy(row => (row.Attack, row.Norm, row.Epsilon))
        )
        {
            var cells = new List<string>
            {
                group.Key.Attack == EvaluationRow.Nothing ? "clean images" : Markup.Escape(group.Key.Attack),
                Budget(group.Key.Norm, group.Key.Epsilon),
            };
            cells.Add(Cell(group, EvaluationRow.Nothing, threat => threat == Threat.None));
            if (defense is not null)
            {
                bool clean = group.Key.Attack == EvaluationRow.Nothing;
                cells.Add(Cell(group, defense, threat => clean ? threat == Threat.None : threat.IsUnaware()));
                cells.Add(clean ? "" : Cell(group, defense, Threats.IsAware));
            }

            table.AddRow([.. cells]);
        }

        return table;
    }

    private static string Cell(IEnumerable<EvaluationRow> rows, string defense, Func<Threat, bool> knows) =>
        rows.Where(row => row.Defense == defense && knows(row.Threat)).MinBy(row => row.RobustCorrect) is { } row
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{row.RobustAccuracy * 100:0.0} % [grey]({row.RobustCorrect}/{row.Count})[/]"
            )
            : "not measured";

    private static string Budget(string? norm, double? epsilon) =>
        norm is null ? ""
        : epsilon is { } value ? string.Create(CultureInfo.InvariantCulture, $"{norm} {value:0.####}")
        : $"{norm} smallest";
}
