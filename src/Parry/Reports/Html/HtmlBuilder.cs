using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace Parry.Reports.Html;

/// <summary>
/// Builds HTML from interpolated strings: the literal parts are markup, every hole is encoded. So a name from outside
/// can never become markup.
/// </summary>
internal sealed class HtmlBuilder
{
    private readonly StringBuilder _text = new();

    public void Add(Markup markup) => _text.Append(markup.Text);

    /// <summary>Appends markup and ends the line.</summary>
    public void Line(Markup markup) => _text.Append(markup.Text).Append('\n');

    /// <summary>Appends text that is markup already.</summary>
    public void AddRaw(string markup) => _text.Append(markup);

    public override string ToString() => _text.ToString();

    [InterpolatedStringHandler]
    public readonly struct Markup(int literalLength, int formattedCount)
    {
        public StringBuilder Text { get; } = new(literalLength + (16 * formattedCount));

        public void AppendLiteral(string markup) => Text.Append(markup);

        public void AppendFormatted(string? value) => Text.Append(WebUtility.HtmlEncode(PlainText.Escape(value ?? "")));

        public void AppendFormatted<T>(T value, string? format = null)
            where T : IFormattable => AppendFormatted(value.ToString(format, CultureInfo.InvariantCulture));
    }
}
