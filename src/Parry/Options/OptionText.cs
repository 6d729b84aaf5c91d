namespace Parry.Options;

/// <summary>Splits <c>NAME:key=value,key=value</c>.</summary>
/// <param name="Name">Before the colon.</param>
/// <param name="Settings">Each key with its values, in order; a piece without an equals sign is a further value of the
/// key before it.</param>
public sealed record OptionText(string Name, IReadOnlyList<(string Key, IReadOnlyList<string> Values)> Settings)
{
    /// <summary>Reads such a text.</summary>
    /// <exception cref="UserErrorException">It is not of that form, or gives a key twice.</exception>
    public static OptionText Parse(string text)
    {
        string[] parts = text.Split(':', 2);
        var settings = new List<(string Key, List<string> Values)>();
        foreach (string piece in parts.Length == 1 ? [] : parts[1].Split(','))
        {
            string[] pair = piece.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair.Length == 2)
                settings.Add((pair[0], [pair[1]]));
            else if (settings.Count > 0)
                settings[^1].Values.Add(pair[0]);
            else
                throw new UserErrorException(
                    $"expected NAME:key=value,key=value, got \"{text}\": \"{pair[0]}\" must be of the form key=value"
                );
        }

        string name = parts[0].Trim();
        if (settings.GroupBy(setting => setting.Key).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new UserErrorException($"the option {twice.Key} of {name} is given twice; give its values once");
        return new OptionText(name, [.. settings.Select(s => (s.Key, (IReadOnlyList<string>)s.Values))]);
    }
}
