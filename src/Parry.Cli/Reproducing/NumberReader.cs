using System.Globalization;
using System.Text.Json;
using Parry.Data.Files;
using Parry.Evaluation;
using Parry.Reports;

namespace Parry.Cli.Reproducing;

/// <summary>Reads the numbers of a table from what its commands made.</summary>
/// <param name="folder">Where that is.</param>
/// <param name="settings">The settings of the mode.</param>
internal sealed class NumberReader(string folder, IReadOnlyDictionary<string, string> settings)
{
    private const long MostBytes = 64L << 20;
    private const double ImagesTimed = 1000;

    private readonly Dictionary<string, IReadOnlyList<EvaluationRow>> _rows = [];

    /// <summary>All numbers of a table.</summary>
    public IReadOnlyList<ReproducedNumber> Read(Experiment table) =>
        [.. AllCells(table).Select(cell => Read(cell.Row, cell.Column, cell.Published))];

    /// <summary>What a table needs to be made, in the order of its numbers.</summary>
    public IEnumerable<string> Targets(Experiment table) =>
        from cell in AllCells(table)
        where cell.Row.Missing is null
        from source in new[] { cell.Column.Ours, cell.Column.Adaptive }
        where source is not null
        let filled = Filled(source, cell.Row, cell.Column)
        where !IsOpen(filled)
        select filled.From;

    /// <summary>The printed numbers of a table with their places.</summary>
    public static IEnumerable<(ExperimentRow Row, ExperimentColumn Column, string Published)> Cells(Experiment table) =>
        from row in table.Rows
        from pair in table
            .Columns.Where(column => !column.Extra)
            .Zip(row.Published.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        where pair.Second != "-"
        select (row, pair.First, pair.Second);

    /// <summary>The printed numbers, and those of further rows and columns, of which none is printed.</summary>
    public static IEnumerable<(ExperimentRow Row, ExperimentColumn Column, string Published)> AllCells(
        Experiment table
    ) =>
        Cells(table)
            .Concat(
                from row in table.Rows
                from column in table.Columns
                where column.Extra || row.Published.Length == 0
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
        NumberSource filled = Filled(source, row, column);
        if (IsOpen(filled))
            return null;
        if (CommandBook.IsCaptured(filled.From))
            return FromJson(filled) is { } quantity ? new MeasuredNumber { Quantity = quantity } : null;
        EvaluationRow? measured = RowsOf(filled.From)
            .Where(candidate => Fits(candidate, filled))
            .OrderByDescending(candidate => filled.Attack is null ? 0 : Shared(candidate.Attack, filled.Attack))
            .ThenBy(candidate => candidate.RobustCorrect)
            .FirstOrDefault();
        return measured is null ? null : Of(measured, filled);
    }

    private NumberSource Filled(NumberSource source, ExperimentRow row, ExperimentColumn column)
    {
        string Fill(string text) => CommandBook.Fill(text, row.With, column.With, settings);
        return source with
        {
            From = Fill(source.From),
            Value = Fill(source.Value),
            Attack = source.Attack is { } attack ? Fill(attack) : null,
            Epsilon = source.Epsilon ?? Number(row.With, "eps") ?? Number(column.With, "eps"),
            Defense = Fill(source.Defense),
        };
    }

    // A row that does not give a variable has no such number.
    private static bool IsOpen(NumberSource source) => $"{source.From}{source.Value}{source.Attack}".Contains('{');

    private static double? Number(IReadOnlyDictionary<string, string> variables, string name) =>
        variables.TryGetValue(name, out string? text)
        && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number
            : null;

    private static bool Fits(EvaluationRow row, NumberSource source) =>
        (row.Defense == source.Defense || row.Defense == source.Defense.Split(':')[0])
        && (source.Value == "clean") == (row.Attack == EvaluationRow.Nothing)
        && (source.Attack is null || IsAttack(row.Attack, source.Attack))
        && (source.Epsilon is not { } epsilon || row.Epsilon is not { } own || Math.Abs(own - epsilon) < 1e-9)
        && (source.Aware is not { } aware || row.Threat.IsAware() == aware);

    // A report names an attack with those options that are not the defaults, and only where several are of one kind.
    private static bool IsAttack(string name, string wanted) =>
        name.Split(':')[0] == wanted.Split(':')[0]
        && Options(wanted).All(option => Options(name).GetValueOrDefault(option.Key, option.Value) == option.Value);

    private static int Shared(string name, string wanted) => Options(name).Intersect(Options(wanted)).Count();

    private static Dictionary<string, string> Options(string attack) =>
        attack
            .Split(':', 2)
            .Skip(1)
            .SelectMany(options => options.Split(','))
            .Select(option => option.Split('=', 2))
            .Where(option => option.Length == 2)
            .ToDictionary(option => option[0], option => option[1]);

    private static MeasuredNumber? Of(EvaluationRow row, NumberSource source)
    {
        string? attack = row.Attack == EvaluationRow.Nothing ? null : row.Attack.Split(':')[0];
        return source.Value switch
        {
            "clean" => Share(row.CleanCorrect, row.Count),
            "accuracy" => Share(row.RobustCorrect, row.Count),
            "success" => row.Attacked == 0 ? null : Share(row.Succeeded, row.Attacked),
            "distance" => row.MedianDistance is { } distance ? Quantity(distance) : null,
            "seconds" => Quantity(row.Seconds * ImagesTimed / Math.Max(1, row.Attacked)),
            _ => throw new InvalidOperationException($"An evaluation has no value {source.Value}."),
        };

        MeasuredNumber Share(int hits, int count) =>
            new()
            {
                Hits = hits,
                Count = count,
                Attack = attack,
            };

        MeasuredNumber Quantity(double quantity) => new() { Quantity = quantity, Attack = attack };
    }

    // None of a run that is not made to its end: its report may lack the strongest attack.
    private IReadOnlyList<EvaluationRow> RowsOf(string run)
    {
        string path = Path.Combine(folder, run);
        if (!_rows.TryGetValue(run, out IReadOnlyList<EvaluationRow>? rows))
            _rows[run] = rows = File.Exists(ReproduceRun.DoneSign(path))
                ? JsonReport.Read(Path.Combine(path, "report.json")).Rows
                : [];
        return rows;
    }

    private double? FromJson(NumberSource source)
    {
        if (!File.Exists(Path.Combine(folder, source.From)))
            return null;
        using JsonDocument document = JsonDocument.Parse(
            RegularFile.ReadText(Path.Combine(folder, source.From), MostBytes)
        );
        JsonElement at = document.RootElement;
        foreach (string name in source.Value.Split('/', StringSplitOptions.RemoveEmptyEntries))
            at =
                at.ValueKind == JsonValueKind.Array
                    ? at[int.Parse(name, CultureInfo.InvariantCulture)]
                    : at.GetProperty(name);
        return at.GetDouble();
    }
}
