namespace Parry.Options;

/// <summary>Splits <c>NAME:key=value,key=value,flag</c>.</summary>
/// <param name="Name">Before the colon.</param>
/// <param name="Settings">Each key with its values, in order; a piece without an equals sign is a flag, or else a
/// further value of the key before it.</param>
public sealed record OptionText(string Name, IReadOnlyList<(string Key, IReadOnlyList<string> Values)> Settings)
{
    /// <summary>Reads such a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="optionsOf">The options of a name; those that are flags may stand without a value.</param>
    /// <exception cref="UserErrorException">It is not of that form, or gives a key twice.</exception>
    public static OptionText Parse(string text, Func<string, IReadOnlyList<OptionInfo>> optionsOf)
    {
        string[] parts = text.Split(':', 2);
        string name = parts[0].Trim();
        string[] flags = [.. optionsOf(name).Where(option => option.IsFlag).Select(option => option.Name)];
        return new OptionText(name, parts.Length == 1 ? [] : ParseSettings(name, parts[1], flags));
    }

    /// <summary>Reads what stands behind the colon.</summary>
    /// <param name="name">Whose options they are, for errors.</param>
    /// <param name="text">The options, <c>key=value,key=value</c>.</param>
    /// <param name="flags">Options whose name alone means true.</param>
    /// <exception cref="UserErrorException">It is not of that form, or gives a key twice.</exception>
    public static IReadOnlyList<(string Key, IReadOnlyList<string> Values)> ParseSettings(
        string name,
        string text,
        params IReadOnlyList<string> flags
    )
    {
        var settings = new List<(string Key, List<string> Values)>();
        foreach (string piece in text.Split(','))
        {
            string[] pair = piece.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair.Length == 2)
                settings.Add((pair[0], [pair[1]]));
            else if (Synonyms.Name(pair[0], flags) is { } flag)
                settings.Add((flag, ["true"]));
            else if (settings.Count > 0)
                settings[^1].Values.Add(pair[0]);
            else
                throw new UserErrorException(
                    $"the options of {name} must be of the form key=value,key=value, got \"{pair[0]}\""
                );
        }

        if (settings.GroupBy(setting => setting.Key).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new UserErrorException($"the option {twice.Key} of {name} is given twice; give its values once");
        return [.. settings.Select(setting => (setting.Key, (IReadOnlyList<string>)setting.Values))];
    }

    /// <summary>Options of which each takes one value.</summary>
    /// <param name="name">Whose options they are, for errors.</param>
    /// <param name="settings">Keys with their values.</param>
    /// <exception cref="UserErrorException">One has several values.</exception>
    public static IEnumerable<KeyValuePair<string, string>> Single(
        string name,
        IEnumerable<(string Key, IReadOnlyList<string> Values)> settings
    )
    {
        foreach (var (key, values) in settings)
        {
            if (values.Count > 1)
                throw new UserErrorException(
                    $"the option {key} of {name} takes one value, got {string.Join(", ", values)}"
                );
            yield return KeyValuePair.Create(key, values[0]);
        }
    }
}
