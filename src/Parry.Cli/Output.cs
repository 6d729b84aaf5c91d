using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Parry.Cli;

/// <summary>Results on standard output: lines and tables for people, or one JSON document for machines.</summary>
internal sealed class Output(TextWriter writer)
{
    private const int WidthOfFiles = 160;

    /// <summary>The width of the terminal; 80 if unknown.</summary>
    public static int TerminalWidth => Console.WindowWidth is >= 20 and int width ? width : 80;

    /// <summary>The output for the results of this run.</summary>
    public static Output Of(ParseResult result) => new(result.InvocationConfiguration.Output);

    /// <summary>Writes a line of plain text.</summary>
    public void Line(string text = "") => writer.WriteLine(text);

    /// <summary>Writes what the reader must know about the results.</summary>
    public void Notes(IEnumerable<string> notes)
    {
        foreach (string note in notes)
            Line($"note: {note}");
    }

    /// <summary>Writes the one JSON document.</summary>
    public void Json<T>(T value, JsonTypeInfo<T> type) => writer.WriteLine(JsonSerializer.Serialize(value, type));

    /// <summary>
    /// Writes a table or other piece of Spectre.Console, colored on a terminal unless NO_COLOR is set.
    /// </summary>
    public void Render(IRenderable content)
    {
        bool terminal = ReferenceEquals(writer, Console.Out) && !Console.IsOutputRedirected;
        bool plain = !terminal || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        using var buffer = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(plain ? buffer : writer),
                Ansi = plain ? AnsiSupport.No : AnsiSupport.Detect,
                ColorSystem = plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
                Interactive = InteractionSupport.No,
            }
        );
        console.Profile.Width = terminal ? TerminalWidth : WidthOfFiles;
        console.Write(content);

        // Cells are padded; a file should have no spaces at the ends of lines.
        if (plain)
            writer.WriteLine(
                string.Join('\n', buffer.ToString().Split('\n').Select(line => line.TrimEnd())).Trim('\n')
            );
    }

    /// <summary>Makes a table with these columns; a name that begins with '>' aligns its column right.</summary>
    public static Table Table(params string[] columns)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns)
        {
            bool right = column.StartsWith('>');
            table.AddColumn(
                new TableColumn(Markup.Escape(right ? column[1..] : column))
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
    /// <summary>Adds a row whose cells are text, not markup.</summary>
    public static void AddCells(this Table table, params IEnumerable<string> cells) =>
        table.AddRow([.. cells.Select(Markup.Escape)]);
}
