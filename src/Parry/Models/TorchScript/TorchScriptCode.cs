using System.Text;

namespace Parry.Models.TorchScript;

/// <summary>
/// Checks the form of an archive's code. LibTorch parses and compiles expressions recursively, so deep or long ones
/// overflow the stack.
/// </summary>
internal static class TorchScriptCode
{
    private const int Deepest = 100;
    private const int Longest = 4000;

    /// <summary>Splits code into lines; one that ends within brackets continues in the next.</summary>
    /// <exception cref="InvalidDataException">The code has a form that LibTorch does not write.</exception>
    public static IEnumerable<string> Lines(string code)
    {
        List<int> lengths = [0];
        var pending = new StringBuilder();
        foreach (string line in code.Split('\n').Where(line => line.Trim(' ').Length > 0))
        {
            Check(line, lengths);
            if (pending.Length > 0)
                pending.Append(' ');
            pending.Append(line);
            if (lengths.Count > 1)
                continue;
            yield return pending.ToString();
            pending.Clear();
        }

        if (pending.Length > 0)
            throw Wrong();
    }

    /// <summary>
    /// Refuses code of a form that LibTorch does not write: brackets too deep, expressions too long, strings
    /// over several lines, comments.
    /// </summary>
    /// <param name="line">One line.</param>
    /// <param name="lengths">For the statement and every open bracket in it, the number of characters since the last
    /// comma; starts with one zero and is kept from line to line.</param>
    /// <exception cref="InvalidDataException">The line has such a form.</exception>
    private static void Check(string line, List<int> lengths)
    {
        char quote = '\0';
        if (lengths.Count == 1)
            lengths[0] = 0;
        for (int i = 0; i < line.Length; i++)
        {
            char letter = line[i];
            if (quote != '\0')
            {
                if (letter == '\\')
                    i++;
                else if (letter == quote)
                    quote = '\0';
                continue;
            }

            if (letter is '#' or '\\' || char.IsControl(letter) || ++lengths[^1] > Longest)
                throw Wrong();
            if (letter is '"' or '\'')
                quote = letter;
            if (letter == ',')
                lengths[^1] = 0;
            if (letter is '(' or '[' or '{')
                lengths.Add(0);
            if (letter is ')' or ']' or '}')
                lengths.RemoveAt(lengths.Count - 1);
            if (lengths.Count is 0 or > Deepest)
                throw Wrong();
        }

        if (quote != '\0')
            throw Wrong();
    }

    private static InvalidDataException Wrong() =>
        new(
            $"its code has a form that LibTorch does not write, or expressions of more than {Deepest} brackets or "
                + $"{Longest} characters"
        );
}
