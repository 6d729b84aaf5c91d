using System.Text;

namespace Parry.Cli;

/// <summary>
/// Where the program writes to. Control characters that came with a name, a label or an answer are escaped here, so
/// that nothing from outside reaches a terminal as a command.
/// </summary>
/// <param name="raw">The stream behind it, for the program's own colors and for lines that are redrawn.</param>
/// <param name="optional">Whether the work goes on when nothing can be written any more, as for progress and
/// errors.</param>
internal sealed class PlainWriter(TextWriter raw, bool optional = false) : TextWriter
{
    private bool _broken;

    /// <inheritdoc/>
    public override Encoding Encoding => raw.Encoding;

    /// <summary>Whether it shows on a terminal.</summary>
    public bool IsTerminal =>
        (ReferenceEquals(raw, Console.Out) && !Console.IsOutputRedirected)
        || (ReferenceEquals(raw, Console.Error) && !Console.IsErrorRedirected);

    /// <summary>Writes text with the program's own control sequences.</summary>
    public void WriteRaw(string text)
    {
        if (_broken)
            return;
        try
        {
            raw.Write(text);
        }
        catch (Exception e) when (optional && e is (IOException or UnauthorizedAccessException))
        {
            _broken = true;
        }
    }

    /// <inheritdoc/>
    public override void Write(char value) => Write(value.ToString());

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    /// <inheritdoc/>
    public override void Write(string? value) => WriteRaw(PlainText.Escape(value ?? ""));

    /// <inheritdoc/>
    public override void WriteLine() => WriteRaw(raw.NewLine);

    /// <inheritdoc/>
    public override void WriteLine(string? value) => WriteRaw(PlainText.Escape(value ?? "") + raw.NewLine);

    /// <inheritdoc/>
    public override void Flush()
    {
        try
        {
            if (!_broken)
                raw.Flush();
        }
        catch (Exception e) when (optional && e is (IOException or UnauthorizedAccessException))
        {
            _broken = true;
        }
    }
}
