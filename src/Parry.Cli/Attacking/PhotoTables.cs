using Parry.Reports;
using Spectre.Console;

namespace Parry.Cli.Attacking;

/// <summary>
/// Attacked photos in the terminal: for each photo and attack the most likely classes before and after.
/// </summary>
internal static class PhotoTables
{
    /// <summary>Writes the tables and the number of changed predictions.</summary>
    public static void Show(Output output, PhotoReport report)
    {
        foreach (AttackedPhoto photo in report.Photos)
        {
            output.Line(photo.Given ? $"{photo.File}, labeled {photo.LabelName}" : photo.File);
            foreach (IGrouping<string, PhotoAttack> attack in photo.Attacks.GroupBy(row => row.Attack))
                output.Render(TableOf(photo, [.. attack]));
        }

        if (report.Right is { } right)
            output.Line($"before: {right} of {report.Photos.Count} photos classified correctly");
        foreach (ChangedAnswers changed in report.Changed)
            output.Line(
                $"{changed.Attack}, {ReportText.Budget(changed.Norm, changed.Epsilon)}: {changed.Changed} of "
                    + $"{changed.Attacked} predictions changed"
            );
        if (report.Note is { } note)
            output.Notes([note]);
        output.Line($"Pictures: {string.Join(", ", report.Files)}");
    }

    private static Table TableOf(AttackedPhoto photo, PhotoAttack[] budgets)
    {
        Table table = Output.Table([
            "",
            "before",
            .. budgets.Select(row => $"{row.Attack}, {ReportText.Budget(row.Norm, row.Epsilon)}"),
        ]);
        for (int place = 0; place < photo.Before.Count; place++)
            table.AddCells([
                $"{place + 1}",
                ReportText.Likely(photo.Before[place]),
                .. budgets.Select(row => After(row, place)),
            ]);
        return table;
    }

    private static string After(PhotoAttack row, int place)
    {
        if (row.Attacked)
            return ReportText.Likely(row.After[place]);
        return place == 0 ? "not attacked" : "";
    }
}
