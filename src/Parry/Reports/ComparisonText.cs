using System.Globalization;
using System.Text;

namespace Parry.Reports;

/// <summary>Published tables beside one's own numbers, as Markdown.</summary>
public static class ComparisonText
{
    /// <summary>How a cell is read.</summary>
    public const string HowToRead =
        "Each cell has the published number first, then ours with its 95 % interval, then what an attacker who knows "
        + "the defense leaves. A published number is either inside our interval, or so many points away from ours.";

    /// <summary>Adds a table.</summary>
    /// <param name="text">The document.</param>
    /// <param name="table">The table.</param>
    public static void Append(StringBuilder text, ComparisonTable table)
    {
        text.Append(CultureInfo.InvariantCulture, $"## {table.Title}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"{table.Source}. {table.Measure}. {table.Coverage}.\n\n");
        foreach (ComparisonFigure figure in table.Figures)
            text.Append(CultureInfo.InvariantCulture, $"![{table.Title}]({figure.File})\n\n{figure.Caption}\n\n");
        if (table.Rows.Count > 0)
            AppendRows(text, table);
        foreach (string note in table.Notes)
            text.Append(CultureInfo.InvariantCulture, $"- {note}\n");
        text.Append('\n');
    }

    private static void AppendRows(StringBuilder text, ComparisonTable table)
    {
        text.Append(CultureInfo.InvariantCulture, $"| | {string.Join(" | ", table.Columns)} |\n");
        text.Append(CultureInfo.InvariantCulture, $"| --- |{string.Concat(table.Columns.Select(_ => " --- |"))}\n");
        foreach (ComparisonRow row in table.Rows)
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {row.Name} | {string.Join(" | ", row.Cells.Select(Cell))} |\n"
            );
        text.Append('\n');
    }

    private static string Cell(ComparisonCell? cell)
    {
        if (cell is null)
            return "";
        string ours = cell.Ours is null ? "" : $"**{cell.Ours}** {cell.Interval}".TrimEnd();
        string adaptive = cell.Adaptive is null ? "" : $"adaptive {cell.Adaptive}";
        string[] lines = [cell.Published, ours, adaptive, $"*{cell.Verdict}*"];
        return string.Join("<br>", lines.Where(line => line.Length > 0));
    }
}
