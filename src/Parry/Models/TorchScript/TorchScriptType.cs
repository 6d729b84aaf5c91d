namespace Parry.Models.TorchScript;

/// <summary>A type as TorchScript writes it: a name and, in brackets, its parameters.</summary>
internal sealed record TorchScriptType(string Name, IReadOnlyList<TorchScriptType> Parts)
{
    private const int Deepest = 32;

    /// <summary>The type as LibTorch writes it.</summary>
    public string Text =>
        Parts.Count == 0
            ? (Name is "Tuple" or "Union" ? Name + "[()]" : Name)
            : $"{Name}[{string.Join(", ", Parts.Select(part => part.Text))}]";

    /// <summary>Reads a type.</summary>
    /// <exception cref="InvalidDataException">The text is not a type.</exception>
    public static TorchScriptType Parse(string text)
    {
        int position = 0;
        TorchScriptType type = Parse(text, ref position, 0);
        return position == text.Length ? type : throw Wrong();
    }

    private static TorchScriptType Parse(string text, ref int position, int depth)
    {
        if (depth == Deepest)
            throw new InvalidDataException($"a type is nested more than {Deepest} deep");
        int start = position;
        while (position < text.Length && (char.IsAsciiLetterOrDigit(text[position]) || text[position] is '_' or '.'))
            position++;
        string name = text[start..position];
        var parts = new List<TorchScriptType>();
        if (position < text.Length && text[position] == '[')
        {
            position++;
            if (text.AsSpan(position).StartsWith("()]"))
            {
                position += 3;
                return new TorchScriptType(name, parts);
            }

            while (true)
            {
                parts.Add(Parse(text, ref position, depth + 1));
                if (position == text.Length)
                    throw Wrong();
                if (text[position++] == ']')
                    break;
                if (text[position - 1] != ',')
                    throw Wrong();
                while (position < text.Length && text[position] == ' ')
                    position++;
            }
        }

        bool whole = name switch
        {
            "Optional" or "List" or "Future" or "Final" => parts.Count == 1,
            "Dict" => parts.Count == 2,
            "Tuple" or "Union" => true,
            _ => name.Length > 0 && parts.Count == 0,
        };
        return whole ? new TorchScriptType(name, parts) : throw Wrong();
    }

    private static InvalidDataException Wrong() => new("a type in it cannot be read");
}
