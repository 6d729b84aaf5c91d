using System.Globalization;

namespace Parry.Data;

/// <summary>
/// Finds the label of a class by its number or its name. Case does not matter, an underscore counts as a space, and a
/// class can have several names separated by commas, such as "tench, Tinca tinca".
/// </summary>
internal sealed class ClassIndex
{
    private const int Ambiguous = -1;

    private readonly IReadOnlyList<string> _names;
    private readonly Dictionary<string, int> _labels = new(StringComparer.OrdinalIgnoreCase);

    public ClassIndex(IReadOnlyList<string> names)
    {
        _names = names;

        // The first name of one class takes precedence over the other names of another.
        Add((name, _) => [name]);
        Add((_, parts) => parts[..1]);
        Add((_, parts) => parts[1..]);
    }

    /// <summary>Whether this text names a class, or several.</summary>
    public bool Knows(string text) => Find(text) is not null;

    /// <summary>Finds the label of the class that a text names.</summary>
    /// <param name="text">A name or a number.</param>
    /// <param name="place">Where the text was found, as the beginning of a message.</param>
    /// <exception cref="UserErrorException">The text names no class, or several.</exception>
    public int LabelOf(string text, string place) =>
        Find(text) switch
        {
            Ambiguous => throw new UserErrorException(
                $"{place}expected the name of one class, got \"{Excerpt.Of(text)}\", which names several: give its "
                    + $"number, 0 to {_names.Count - 1}"
            ),
            { } label => label,
            null => throw new UserErrorException(
                $"{place}expected one of the model's {_names.Count} classes or its number, 0 to {_names.Count - 1}, "
                    + $"got \"{Excerpt.Of(text)}\"{NearestName.Hint(text, _labels.Keys)}"
            ),
        };

    private int? Find(string text) =>
        _labels.TryGetValue(Normal(text), out int label) ? label
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out label) && label < _names.Count ? label
        : null;

    private void Add(Func<string, string[], string[]> keys)
    {
        var added = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (int label = 0; label < _names.Count; label++)
        {
            foreach (string key in keys(_names[label], _names[label].Split(',', StringSplitOptions.TrimEntries)))
                added[Normal(key)] =
                    added.TryGetValue(Normal(key), out int other) && other != label ? Ambiguous : label;
        }

        foreach (var (key, label) in added)
            _labels.TryAdd(key, label);
    }

    private static string Normal(string text) => text.Replace('_', ' ').Trim();
}
