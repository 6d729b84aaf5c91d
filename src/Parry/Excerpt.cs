namespace Parry;

/// <summary>Text that came from a file or a server, shortened to one line that a message can quote.</summary>
internal static class Excerpt
{
    /// <summary>The first characters, with question marks for control characters, and an ellipsis if there are
    /// more.</summary>
    public static string Of(string text, int most = 60)
    {
        var letters = text.Take(most).Select(letter => char.IsControl(letter) ? '?' : letter);
        return string.Concat(letters) + (text.Length > most ? "…" : "");
    }
}
