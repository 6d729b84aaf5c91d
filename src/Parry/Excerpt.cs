using System.Globalization;

namespace Parry;

/// <summary>Text that came from a file or a server, shortened to one line that a message can quote.</summary>
internal static class Excerpt
{
    /// <summary>The first characters, with question marks for control characters and for those that change the
    /// direction of writing, and an ellipsis if there are more.</summary>
    public static string Of(string text, int most = 60)
    {
        var letters = text.Take(most).Select(letter => IsHarmless(letter) ? letter : '?');
        return string.Concat(letters) + (text.Length > most ? "…" : "");
    }

    private static bool IsHarmless(char letter) =>
        char.GetUnicodeCategory(letter)
            is not (
                UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
            );
}
