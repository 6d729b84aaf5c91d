using System.Globalization;

namespace Parry.Data;

/// <summary>
/// Finds the label of a class by its number or its name. Case does not matter, an underscore counts as a space, and a
/// class can have several names separated by commas, such as "tench, Tinca tinca". Numbers may end in ".0", as tables
/// of numbers with gaps write them.
/// </summary>
internal sealed class ClassIndex
{
    private const int Ambiguous = -1;

    private readonly IReadOnlyList<string> _names;
    private readonly int _first;
    private readonly Dictionary<string, int> _labels = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Knows these classes.</summary>
    /// <param name="names">Their names.</param>
    /// <param name="first">The number of the first class; if it is not 0, numbers take precedence over names.</param>
    public ClassIndex(IReadOnlyList<string> names, int first = 0)
    {
        (_names, _first) = (names, first);

        // The first name of one class takes precedence over the other names of another.
        Add((name, _) => [name]);
        Add((_, parts) => parts[..1]);
        Add((_, parts) => parts[1..]);
    }

    /// <summary>Whether this text names a class, or several.</summary>
    public bool Knows(string text) => Find(text) is not null;

    /// <summary>The number that a text is, from 0; null if it is none.</summary>
    public static int? NumberOf(string text)
    {
        int point = text.IndexOf('.', StringComparison.Ordinal);
        bool whole = point > 0 && point < text.Length - 1 && text.AsSpan(point + 1).Trim('0').IsEmpty;
        string digits = whole ? text[..point] : text;
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
    }

    /// <summary>Refuses labels that are numbers and count from 1 where they should count from 0.</summary>
    /// <param name="labels">All labels of the set.</param>
    /// <param name="place">Where they were found, as the beginning of a message.</param>
    /// <exception cref="UserErrorException">They count from 1.</exception>
    public void CheckFirst(IReadOnlyCollection<string> labels, string place)
    {
        bool countsFromOne =
            _first == 0
            && !labels.All(Knows)
            && labels.All(label => NumberOf(label) is { } number && number >= 1 && number <= _names.Count);
        if (countsFromOne)
            throw new UserErrorException(
                $"{place}expected labels from 0 to {Last}, got labels that count from 1 to {_names.Count}: give "
                    + "--labels-from 1"
            );
    }

    /// <summary>Finds the label of the class that a text names.</summary>
    /// <param name="text">A name or a number.</param>
    /// <param name="place">Where the text was found, as the beginning of a message.</param>
    /// <exception cref="UserErrorException">The text names no class, or several.</exception>
    public int LabelOf(string text, string place) =>
        Find(text) switch
        {
            Ambiguous => throw new UserErrorException(
                $"{place}expected the name of one class, got \"{PlainText.Excerpt(text)}\", which names several: give "
                    + $"its number, {_first} to {Last}"
            ),
            { } label => label,
            null => throw new UserErrorException(
                $"{place}expected one of the model's {_names.Count} classes or its number, {_first} to {Last}, "
                    + $"got \"{PlainText.Excerpt(text)}\"{NearestName.Hint(text, _labels.Keys)}"
            ),
        };

    private int Last => _first + _names.Count - 1;

    private int? Find(string text)
    {
        int? numbered = NumberOf(text) is { } number && number >= _first && number <= Last ? number - _first : null;
        int? named = _labels.TryGetValue(Normal(text), out int label) ? label : null;
        return _first == 0 ? named ?? numbered : numbered ?? named;
    }

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
