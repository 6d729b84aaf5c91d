using System.Globalization;
using Parry.Reports;

namespace Parry.Cli.Reproducing;

/// <summary>Puts a table of results into words: published number, Parry's, the adaptive one, and the verdict.</summary>
internal static class Comparison
{
    /// <summary>The folder of the figures, beside the pages that show them.</summary>
    public const string FigureFolder = "figures";

    /// <summary>Makes the table that is shown.</summary>
    /// <param name="table">The experiment.</param>
    /// <param name="results">What was measured; null for nothing.</param>
    /// <param name="commands">The commands.</param>
    public static ComparisonTable Of(Experiment table, TableResults? results, IReadOnlyList<string> commands)
    {
        var numbers = (results?.Numbers ?? []).ToDictionary(number => (number.Row, number.Column));
        var cells = NumberReader.AllCells(table).ToLookup(cell => cell.Row);
        return new ComparisonTable
        {
            Title = table.Title,
            Source = table.Source,
            Measure = table.Measure,
            Coverage = Covered(table, results) + ModeOf(results),
            Columns = [.. table.Columns.Select(column => column.Name)],
            Rows = [.. table.Rows.Select(row => Row(table, row, cells[row], numbers))],
            Figures =
            [
                .. table
                    .Figures.Where(figure => results is not null && results.Figures.Contains(figure.File))
                    .Select(figure => new ComparisonFigure(figure.Caption, $"{FigureFolder}/{figure.File}")),
            ],
            Notes = table.Notes,
            Commands = commands,
        };
    }

    private static ComparisonRow Row(
        Experiment table,
        ExperimentRow row,
        IEnumerable<(ExperimentRow Row, ExperimentColumn Column, string Published)> cells,
        Dictionary<(string Row, string Column), ReproducedNumber> measured
    )
    {
        var printed = cells.ToDictionary(cell => cell.Column);
        return new ComparisonRow(
            row.Name,
            [
                .. table.Columns.Select(column =>
                    printed.TryGetValue(column, out var cell)
                        ? Cell(
                            measured.GetValueOrDefault((row.Name, column.Name))
                                ?? NumberReader.Unmeasured(row, column, cell.Published),
                            table.Printed
                        )
                        : null
                ),
            ]
        );
    }

    private static string Covered(Experiment table, TableResults? results)
    {
        int printed = NumberReader.Cells(table).Count();
        return printed == 0
            ? (results is null ? "Not made yet" : "Made")
            : Counted($"{results?.Measured ?? 0} of {printed} numbers measured");
    }

    private static string ModeOf(TableResults? results) =>
        results is null ? "" : $", with the settings of {results.Settings}, by version {results.Version}";

    private static ComparisonCell Cell(ReproducedNumber number, PrintedAs printed)
    {
        double? published = Parse(number.Published, printed);
        string shown =
            published is { } share && printed == PrintedAs.Fraction ? Percent(share) : Published(number, printed);
        var (verdict, agreement) = Judge(number, published);
        return new ComparisonCell(
            shown,
            number.Ours is { } ours ? Value(ours, printed) : null,
            number.Ours?.Interval() is var (low, high) ? Counted($"({100 * low:0}–{100 * high:0} %)") : null,
            number.Adaptive is { } adaptive ? Value(adaptive, printed) + Images(adaptive) : null,
            verdict,
            agreement
        );
    }

    private static (string Verdict, Agreement Agreement) Judge(ReproducedNumber number, double? published)
    {
        if (number.NotComparable is { } why)
            return (
                number.Ours is null ? why : $"not comparable: {why}",
                number.Ours is null ? Agreement.NotMeasured : Agreement.NotComparable
            );
        if (number.Ours is not { } ours)
            return ("not measured", Agreement.NotMeasured);
        if (number.Published.Length == 0)
            return ("not in the document", Agreement.NotComparable);
        if (published is not { } value)
            return ("not comparable: no number was printed", Agreement.NotComparable);
        if (ours.Interval() is var (low, high))
        {
            return value >= low && value <= high
                ? ("inside", Agreement.Inside)
                : (Counted($"off by {100 * (ours.Number() - value):+0.0;-0.0} points"), Agreement.Outside);
        }

        return ours.Number() == value
            ? ("equal", Agreement.Inside)
            : (Counted($"off by {ours.Number() - value:+#,0.##;-#,0.##}"), Agreement.Outside);
    }

    private static string Images(MeasuredNumber number) => number.Count is { } count ? Counted($" of {count:#,0}") : "";

    private static string Value(MeasuredNumber number, PrintedAs printed) =>
        number.Quantity is { } quantity && printed != PrintedAs.Percent
            ? Counted($"{quantity:#,0.###}")
            : Percent(number.Number());

    private static string Published(ReproducedNumber number, PrintedAs printed) =>
        printed == PrintedAs.Percent && number.Published.Length > 0 ? $"{number.Published} %" : number.Published;

    private static string Percent(double share) => Counted($"{100 * share:0.0} %");

    private static double? Parse(string text, PrintedAs printed) =>
        double.TryParse(
            text,
            NumberStyles.Float | NumberStyles.AllowThousands,
            CultureInfo.InvariantCulture,
            out double number
        )
            ? number / (printed == PrintedAs.Percent ? 100 : 1)
            : null;

    private static string Counted(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
