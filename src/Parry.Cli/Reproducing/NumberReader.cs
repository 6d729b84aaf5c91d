using Parry.Evaluation;

namespace Parry.Cli.Reproducing;

/// <summary>Reads the numbers of a table from what its commands made.</summary>
/// <param name="made">What they made.</param>
/// <param name="settings">The settings of the mode.</param>
internal sealed class NumberReader(MadeResults made, IReadOnlyDictionary<string, string> settings)
{
    private const double ImagesTimed = 1000;

    /// <summary>All numbers of a table.</summary>
    public IReadOnlyList<ReproducedNumber> Read(Experiment table) =>
        [.. AllCells(table).Select(cell => Read(cell.Row, cell.Column, cell.Published))];

    /// <summary>What the numbers of a table need to be made, in their order.</summary>
    /// <param name="table">The table.</param>
    /// <param name="settings">The settings of the mode.</param>
    /// <param name="gpu">Whether what only a GPU makes is needed too.</param>
    public static IEnumerable<string> Targets(
        Experiment table,
        IReadOnlyDictionary<string, string> settings,
        bool gpu = true
    ) =>
        from cell in AllCells(table)
        where cell.Row.Missing is null && (gpu || !(cell.Row.Gpu || cell.Column.Gpu))
        from source in new[] { cell.Column.Ours, cell.Column.Adaptive }
        where source is not null
        let filled = source.Filled(cell.Row.With, cell.Column.With, settings)
        where !filled.IsOpen
        select filled.From;

    /// <summary>The printed numbers of a table with their places.</summary>
    public static IEnumerable<(ExperimentRow Row, ExperimentColumn Column, string Published)> Cells(Experiment table) =>
        from row in table.Rows
        from pair in table
            .Columns.Where(column => !column.Extra)
            .Zip(row.Published.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        where pair.Second != "-"
        select (row, pair.First, pair.Second);

    /// <summary>
    /// The printed numbers, and those of further rows and columns, of which none is printed; a row without Parry's
    /// numbers has no further columns.
    /// </summary>
    public static IEnumerable<(ExperimentRow Row, ExperimentColumn Column, string Published)> AllCells(
        Experiment table
    ) =>
        Cells(table)
            .Concat(
                from row in table.Rows
                from column in table.Columns
                where row.Published.Length == 0 || (column.Extra && row.Missing is null)
                select (row, column, "")
            );

    /// <summary>A printed number without one of Parry's.</summary>
    public static ReproducedNumber Unmeasured(ExperimentRow row, ExperimentColumn column, string published) =>
        new()
        {
            Row = row.Name,
            Column = column.Name,
            Published = published,
            NotComparable = row.Missing ?? column.NotComparable,
        };

    private ReproducedNumber Read(ExperimentRow row, ExperimentColumn column, string published) =>
        Unmeasured(row, column, published) with
        {
            Ours = Measured(column.Ours, row, column),
            Adaptive = Measured(column.Adaptive, row, column),
        };

    private MeasuredNumber? Measured(NumberSource? source, ExperimentRow row, ExperimentColumn column)
    {
        if (source is null || row.Missing is not null)
            return null;
        NumberSource filled = source.Filled(row.With, column.With, settings);
        if (filled.IsOpen)
            return null;
        if (CommandBook.IsCaptured(filled.From))
            return made.Json(filled.From, filled.Value) is { } number ? Quantity(number.GetDouble()) : null;
        if (filled.Value == "auc")
            return made.Curve(filled) is { } curve ? Quantity(curve.Auc) : null;
        return made.Row(filled) is { } measured ? Of(measured, filled) : null;
    }

    private static MeasuredNumber Quantity(double quantity, string? attack = null) =>
        new() { Quantity = quantity, Attack = attack };

    private static MeasuredNumber? Of(EvaluationRow row, NumberSource source)
    {
        string? attack = row.Attack == EvaluationRow.Nothing ? null : row.Attack.Split(':')[0];
        return source.Value switch
        {
            "clean" => Share(row.CleanCorrect, row.Count),
            "accuracy" => Share(row.RobustCorrect, row.Count),
            "success" => row.Attacked == 0 ? null : Share(row.Succeeded, row.Attacked),
            "distance" => row.MedianDistance is { } distance ? Quantity(distance, attack) : null,
            "seconds" => Quantity(row.Seconds * ImagesTimed / Math.Max(1, row.Attacked), attack),
            _ => throw new InvalidOperationException($"An evaluation has no value {source.Value}."),
        };

        MeasuredNumber Share(int hits, int count) =>
            new()
            {
                Hits = hits,
                Count = count,
                Attack = attack,
            };
    }
}
