using System.Globalization;

namespace Parry.Models.TorchScript;

/// <summary>A class that an archive's code declares.</summary>
/// <param name="Base">What it is derived from: nothing, a module, a tuple, an enumeration or an interface.</param>
/// <param name="Members">Its members with their types.</param>
internal sealed record TorchScriptDeclaration(string Base, List<(string Name, string Type)> Members)
{
    /// <summary>Its methods by their names.</summary>
    public Dictionary<string, TorchScriptFunction> Methods { get; } = new(StringComparer.Ordinal);

    /// <summary>The names of its constants.</summary>
    public HashSet<string> Constants { get; } = new(StringComparer.Ordinal);

    /// <summary>What a line declares in another form.</summary>
    public static InvalidDataException Unlike(string line) =>
        new($"its code declares a class in a form that LibTorch does not write (\"{PlainText.Excerpt(line.Trim())}\")");

    /// <summary>Reads the line of a member.</summary>
    /// <exception cref="InvalidDataException">It has another form, or declares the member again.</exception>
    // A member with a value is a constant, except in tuples, where the value is its default, and in enumerations,
    // which have nothing else.
    public void Add(string line)
    {
        string[] sides = line.Split(" = ", 2);
        string[] named = sides[0].Split(" : ", 2);
        (string left, string right, bool assigned) = (sides[0], sides[^1], sides.Length == 2);
        string? type = named.Length == 2 && IsName(named[0]) ? named[1] : null;
        if (type is not null)
            _ = TorchScriptType.Parse(type);
        switch (Base)
        {
            case "Enum"
                when assigned
                    && IsName(left)
                    && (long.TryParse(right, CultureInfo.InvariantCulture, out _) || right.StartsWith('"')):
                Constants.Add(left);
                break;
            case "NamedTuple" when type is not null:
                AddMember(named[0], type);
                break;
            case "" or "Module" when type is not null && !assigned:
                AddMember(named[0], type);
                break;
            case "" or "Module" when type is not null && type.StartsWith("Final[", StringComparison.Ordinal):
                Constants.Add(named[0]);
                break;
            case ""
            or "Module"
                when assigned
                    && left.StartsWith("__annotations__[\"", StringComparison.Ordinal)
                    && left.EndsWith("\"]", StringComparison.Ordinal):
                _ = TorchScriptType.Parse(right);
                AddMember(left[17..^2], right);
                break;
            case "Module"
                when (
                    left
                    is "__parameters__"
                        or "__buffers__"
                        or "__annotations__"
                        or "__forward_hooks__"
                        or "__forward_pre_hooks__"
                )
                    && right.StartsWith('[')
                    && right.EndsWith(']'):
                break;
            default:
                throw Unlike(line);
        }
    }

    private void AddMember(string name, string type)
    {
        if (Members.Exists(member => member.Name == name))
            throw new InvalidDataException($"its code declares the member {PlainText.Excerpt(name)} twice");
        Members.Add((name, type));
    }

    private static bool IsName(string text) =>
        text.Length > 0 && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_');
}
