using System.Globalization;
using System.Text;
using Parry.Reports;

namespace Parry.Cli.Reproducing;

/// <summary>The document of all tables, made from a file of results.</summary>
internal static class ResultsDocument
{
    private const string ShippedName = "Parry.Results.json";

    /// <summary>The results that the documentation shows, which ship with the program.</summary>
    public static ResultsFile Shipped()
    {
        using Stream stream = typeof(ResultsDocument).Assembly.GetManifestResourceStream(ShippedName)!;
        using var reader = new StreamReader(stream);
        return ResultsFile.Parse(reader.ReadToEnd());
    }

    /// <summary>Makes the document.</summary>
    public static string Render(ResultsFile results)
    {
        int printed = Experiments
            .All.Values.Where(table => table.InDocuments)
            .Sum(table => NumberReader.Cells(table).Count());
        int measured = Experiments
            .All.Where(table => table.Value.InDocuments)
            .Sum(table => results.Tables.GetValueOrDefault(table.Key)?.Measured ?? 0);
        var text = new StringBuilder();
        text.Append("# Results beside the papers\n\n");
        text.Append(
            CultureInfo.InvariantCulture,
            $"The documents print {printed} numbers; {measured} of them have ours beside them. "
        );
        text.Append("Nothing was tuned to meet a published number. ");
        text.Append(ComparisonText.HowToRead);
        text.Append(
            "\n\nThis page is made from `results.json` beside it (`parry reproduce --document docs/results.json`). "
                + "To make a table again: `parry reproduce TABLE --out FOLDER`; `--list` names the tables, and "
                + "`--commands` prints what it runs.\n\n"
        );
        text.Append("| table | | measured | inside our interval |\n| --- | --- | --- | --- |\n");
        foreach (var (name, table) in Experiments.All)
            text.Append(
                CultureInfo.InvariantCulture,
                $"| `{name}` | {table.Title} | {Counts(name, table, results)} |\n"
            );
        text.Append('\n');
        foreach (var (name, table) in Experiments.All)
            ComparisonText.Append(text, Comparison.Of(table, results.Tables.GetValueOrDefault(name), []));
        AttackSurvey.Append(text);
        return text.ToString().TrimEnd() + "\n";
    }

    private static string Counts(string name, Experiment table, ResultsFile results)
    {
        TableResults? own = results.Tables.GetValueOrDefault(name);
        int inside = Comparison
            .Of(table, own, [])
            .Rows.SelectMany(row => row.Cells)
            .Count(cell => cell?.Agreement == Agreement.Inside);
        int printed = NumberReader.Cells(table).Count();
        if (printed == 0)
            return own is null ? "not made | " : "made | ";
        return string.Create(CultureInfo.InvariantCulture, $"{own?.Measured ?? 0} of {printed} | {inside}");
    }
}
