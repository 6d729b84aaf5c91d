using System.Text;

namespace Parry.Data;

/// <summary>
/// Reads comma-separated values as RFC 4180 defines them; lines may also end in a line feed alone, and empty ones count
/// for nothing.
/// </summary>
internal static class CsvReader
{
    private const int LongestField = 4096;
    private const int MostFields = 1000;

    /// <summary>The rows and the lines, from 1 on, on which they begin.</summary>
    /// <param name="text">The file's content.</param>
    /// <param name="name">The file's name, for messages.</param>
    /// <exception cref="UserErrorException">Quotes stand in the wrong place, or a row or field is longer than any
    /// sensible one.</exception>
    public static IEnumerable<(int Line, IReadOnlyList<string> Fields)> Rows(string text, string name)
    {
        int at = 0,
            line = 1;
        while (at < text.Length)
        {
            int begin = line;
            var fields = new List<string>();
            do fields.Add(
                fields.Count < MostFields
                    ? Field(text, ref at, ref line, name)
                    : throw Wrong(name, begin, $"at most {MostFields} columns", "more")
            );
            while (at < text.Length && text[at++] == ',');
            if (text[at - 1] == '\r' && at < text.Length && text[at] == '\n')
                at++;
            line++;
            if (fields is not [""])
                yield return (begin, fields);
        }
    }

    // Ends before the comma or the line's end that follows.
    private static string Field(string text, ref int at, ref int line, string name)
    {
        int end = at;
        if (at == text.Length || text[at] != '"')
        {
            while (end < text.Length && text[end] is not (',' or '\r' or '\n' or '"'))
                end++;
            if (end < text.Length && text[end] == '"')
                throw Wrong(name, line, "quotes around a whole field only", "one inside a field");
            string plain = end - at <= LongestField ? text[at..end] : throw TooLong(name, line);
            at = end;
            return plain;
        }

        int begin = line;
        var quoted = new StringBuilder();
        for (end++; end < text.Length && (text[end] != '"' || (end + 1 < text.Length && text[end + 1] == '"')); end++)
        {
            if (text[end] == '"')
                end++;
            if (text[end] == '\n')
                line++;
            if (quoted.Length == LongestField)
                throw TooLong(name, begin);
            quoted.Append(text[end]);
        }

        if (end == text.Length)
            throw Wrong(name, begin, "a quote that ends the field", "the end of the file");
        at = end + 1;
        if (at < text.Length && text[at] is not (',' or '\r' or '\n'))
            throw Wrong(
                name,
                line,
                "a comma or the end of the line after a quoted field",
                $"\"{Pictures.Shown(text[at].ToString())}\""
            );
        return quoted.ToString();
    }

    private static UserErrorException TooLong(string name, int line) =>
        Wrong(name, line, $"fields of at most {LongestField} letters", "a longer one");

    private static UserErrorException Wrong(string name, int line, string expected, string got) =>
        new($"{name} line {line}: expected {expected}, got {got}");
}
