using System.Text;

namespace Parry.Data.Files;

/// <summary>
/// Reads comma-separated values as RFC 4180 defines them; lines may also end in a line feed alone, empty lines are
/// skipped, and the separator may be another character.
/// </summary>
internal static class CsvReader
{
    private const int LongestField = 4096;
    private const int MostFields = 1000;

    /// <summary>Reads the rows, each with the number of its first line, counted from 1.</summary>
    /// <param name="text">The content of the file.</param>
    /// <param name="name">The name of the file, for messages.</param>
    /// <param name="separator">What separates the fields.</param>
    /// <exception cref="UserErrorException">A quote is in the wrong place, or a row or field is too long.</exception>
    public static IEnumerable<(int Line, IReadOnlyList<string> Fields)> Rows(string text, string name, char separator)
    {
        int at = 0;
        int line = 1;
        while (at < text.Length)
        {
            int begin = line;
            var fields = new List<string>();
            do
            {
                if (fields.Count == MostFields)
                    throw Wrong(name, begin, $"at most {MostFields} columns", "more");
                fields.Add(Field(text, ref at, ref line, name, separator));
            } while (at < text.Length && text[at++] == separator);
            if (text[at - 1] == '\r' && at < text.Length && text[at] == '\n')
                at++;
            line++;
            if (fields is not [""])
                yield return (begin, fields);
        }
    }

    // Stops before the separator or the end of the line.
    private static string Field(string text, ref int at, ref int line, string name, char separator) =>
        at < text.Length && text[at] == '"'
            ? Quoted(text, ref at, ref line, name, separator)
            : Plain(text, ref at, line, name, separator);

    private static string Plain(string text, ref int at, int line, string name, char separator)
    {
        int start = at;
        while (at < text.Length && text[at] != separator && text[at] is not ('\r' or '\n' or '"'))
            at++;
        if (at < text.Length && text[at] == '"')
            throw Wrong(name, line, "quotes around a whole field only", "one inside a field");
        return at - start <= LongestField ? text[start..at] : throw TooLong(name, line);
    }

    private static string Quoted(string text, ref int at, ref int line, string name, char separator)
    {
        int begin = line;
        var quoted = new StringBuilder();
        at++;
        while (at < text.Length && (text[at] != '"' || IsDoubled(text, at)))
        {
            if (text[at] == '"')
                at++;
            if (text[at] == '\n')
                line++;
            if (quoted.Length == LongestField)
                throw TooLong(name, begin);
            quoted.Append(text[at]);
            at++;
        }

        if (at == text.Length)
            throw Wrong(name, begin, "a quote that ends the field", "the end of the file");
        at++;
        if (at < text.Length && text[at] != separator && text[at] is not ('\r' or '\n'))
            throw Wrong(
                name,
                line,
                "a separator or the end of the line after a quoted field",
                $"\"{PlainText.Excerpt(text[at].ToString())}\""
            );
        return quoted.ToString();
    }

    private static bool IsDoubled(string text, int at) => at + 1 < text.Length && text[at + 1] == '"';

    private static UserErrorException TooLong(string name, int line) =>
        Wrong(name, line, $"fields of at most {LongestField} letters", "a longer one");

    private static UserErrorException Wrong(string name, int line, string expected, string got) =>
        new($"{name} line {line}: expected {expected}, got {got}");
}
