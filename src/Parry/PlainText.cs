using System.Globalization;
using System.Text;

namespace Parry;

/// <summary>
/// Text from files, servers and names of files, made fit to be shown: a terminal obeys control characters, some others
/// change the order in which text is read, and some are not seen.
/// </summary>
public static class PlainText
{
    private const string Sequence = "\u001b[";

    /// <summary>
    /// Writes control characters and those that reorder text or are not seen as escapes such as <c>\x1b</c> and
    /// <c>\u202e</c>; line feeds and tabs stay.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="keepColors">Whether sequences that only set colors and styles stay.</param>
    public static string Escape(string text, bool keepColors = false)
    {
        int at = Unfit(text, 0);
        if (at < 0)
            return text;
        var shown = new StringBuilder(text.Length + 16);
        int done = 0;
        for (; at >= 0; at = Unfit(text, done))
        {
            shown.Append(text, done, at - done);
            int color = keepColors ? ColorLength(text, at) : 0;
            if (color > 0)
                shown.Append(text, at, color);
            else if (text[at] == '\r' && at + 1 < text.Length && text[at + 1] == '\n')
                shown.Append('\r');
            else
                shown.Append(Escape(text[at]));
            done = at + Math.Max(1, color);
        }

        return shown.Append(text, done, text.Length - done).ToString();
    }

    /// <summary>The beginning of a text that is too long to be shown, with an ellipsis.</summary>
    public static string Cut(string text, int most)
    {
        if (text.Length <= most)
            return text;
        int end = char.IsHighSurrogate(text[most - 1]) ? most - 1 : most;
        return text[..end] + "…";
    }

    /// <summary>The beginning of a text, escaped and on one line, that a message can quote.</summary>
    internal static string Excerpt(string text, int most = 60) =>
        Escape(Cut(text, most))
            .Replace("\t", Escape('\t'), StringComparison.Ordinal)
            .Replace("\n", Escape('\n'), StringComparison.Ordinal)
            .Replace("\r", Escape('\r'), StringComparison.Ordinal);

    /// <summary>A text on one line: a space for all white space between words.</summary>
    public static string OneLine(string text) =>
        string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static string Escape(char letter) =>
        letter <= 0xff
            ? string.Create(CultureInfo.InvariantCulture, $"\\x{(int)letter:x2}")
            : string.Create(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");

    private static int Unfit(string text, int from)
    {
        for (int i = from; i < text.Length; i++)
        {
            char letter = text[i];
            if (letter is >= ' ' and <= '~' or '\n' or '\t')
                continue;
            if (char.IsHighSurrogate(letter) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
                continue;
            }

            if (char.IsControl(letter) || char.IsSurrogate(letter) || IsFormat(letter))
                return i;
        }

        return -1;
    }

    // Marks of direction, embeddings and overrides, separators that end a line, and what is not seen; letters and
    // pictures need the two joiners.
    private static bool IsFormat(char letter) =>
        letter is not ('\u200c' or '\u200d')
        && char.GetUnicodeCategory(letter)
            is UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator;

    private static int ColorLength(string text, int at)
    {
        if (string.CompareOrdinal(text, at, Sequence, 0, Sequence.Length) != 0)
            return 0;
        int end = at + Sequence.Length;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == ';'))
            end++;
        return end < text.Length && text[end] == 'm' ? end + 1 - at : 0;
    }
}
