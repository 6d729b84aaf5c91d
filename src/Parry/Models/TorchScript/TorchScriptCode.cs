namespace Parry.Models.TorchScript;

/// <summary>
/// Checks the form of an archive's code. LibTorch parses and compiles expressions recursively, so deep or long ones
/// overflow the stack.
/// </summary>
internal static class TorchScriptCode
{
    private const int Deepest = 100;
    private const int Longest = 4000;

    /// <summary>
    /// Refuses code of a form that LibTorch does not write: brackets too deep, expressions too long, strings
    /// over several lines, comments.
    /// </summary>
    /// <param name="line">One line.</param>
    /// <param name="lengths">For the statement and every open bracket in it, the number of characters since the last
    /// comma; starts with one zero and is kept from line to line.</param>
    /// <exception cref="InvalidDataException">The line has such a form.</exception>
    public static void Check(string line, List<int> lengths)
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
