using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Parry.Cli;

/// <summary>Results on standard output: lines and tables for people, or one JSON document for machines.</summary>
internal sealed class Output(TextWriter given)
{
    private const int WidthOfFiles = 160;
    private const int LongestLine = 4000;

    private readonly PlainWriter _writer = given as PlainWriter ?? new PlainWriter(given);

    /// <summary>The width of the terminal; 80 if unknown.</summary>
    public static int TerminalWidth => Console.WindowWidth is >= 20 and int width ? width : 80;

    /// <summary>The output for the results of this run.</summary>
    public static Output Of(ParseResult result) => new(result.InvocationConfiguration.Output);

    /// <summary>Writes a line of plain text.</summary>
    public void Line(string text = "") => _writer.WriteLine(PlainText.Cut(text, LongestLine));

    /// <summary>Writes a document as it is.</summary>
    public void Document(string text)
    {
        foreach (string line in text.TrimEnd('\n').Split('\n'))
            _writer.WriteLine(line);
    }

    /// <summary>Writes what the reader must know about the results.</summary>
    public void Notes(IEnumerable<string> notes)
    {
        foreach (string note in notes)
            Line($"note: {note}");
    }

    /// <summary>Writes the one JSON document.</summary>
    public void Json<T>(T value, JsonTypeInfo<T> type) => Json(JsonSerializer.Serialize(value, type));

    /// <summary>Writes the one JSON document, which no reader may find cut.</summary>
    public void Json(string document) => _writer.WriteLine(document);

    /// <summary>
    /// Writes a table or other piece of Spectre.Console, colored on a terminal unless NO_COLOR is set.
    /// </summary>
    public void Render(IRenderable content)
    {
        bool terminal = _writer.IsTerminal;
        bool plain = !terminal || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        using var buffer = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(buffer),
                Ansi = plain ? AnsiSupport.No : AnsiSupport.Yes,
                ColorSystem = plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Standard,
                Interactive = InteractionSupport.No,
            }
        );
        console.Profile.Width = terminal ? TerminalWidth : WidthOfFiles;
        console.Write(content);

        // Cells are padded; a file should have no spaces at the ends of lines.
        string text = buffer.ToString();
        if (plain)
            _writer.WriteLine(string.Join('\n', text.Split('\n').Select(line => line.TrimEnd())).Trim('\n'));
        else
            _writer.WriteRaw(PlainText.Escape(text, keepColors: true));
    }

    /// <summary>Makes a table with these columns; a name that begins with '>' aligns its column right.</summary>
    public static Table Table(params string[] columns)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns)
        {
            bool right = column.StartsWith('>');
            table.AddColumn(
                new TableColumn(Tables.Cell(right ? column[1..] : column))
                {
                    Alignment = right ? Justify.Right : Justify.Left,
                }
            );
        }

        return table;
    }
}

/// <summary>Plain text in tables.</summary>
internal static class Tables
{
    private const int LongestCell = 300;

    /// <summary>Adds a row whose cells are text, not markup.</summary>
    public static void AddCells(this Table table, params IEnumerable<string> cells) =>
        table.AddRow([.. cells.Select(Cell)]);

    /// <summary>The markup of a cell that shows a text as it is.</summary>
    public static string Cell(string text) => Markup.Escape(PlainText.Escape(PlainText.Cut(text, LongestCell)));
}
