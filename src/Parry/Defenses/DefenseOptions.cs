using System.Globalization;

namespace Parry.Defenses;

/// <summary>An option of a defense on the command line.</summary>
/// <param name="Name">The key in <c>NAME:key=value</c>.</param>
/// <param name="Summary">What it decides, in a few words.</param>
public sealed record DefenseOption(string Name, string Summary);

/// <summary>The options given for a defense, read where its entry asks for them.</summary>
public sealed class DefenseOptions
{
    private readonly string _defense;
    private readonly Dictionary<string, string> _given = [];

    internal DefenseOptions(DefenseEntry entry, string text)
    {
        _defense = entry.Name;
        string[] names = [.. entry.Options.Select(option => option.Name)];
        foreach (string piece in text.Split(':', 2) is [_, var options] ? options.Split(',') : [])
        {
            string[] pair = piece.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair.Length != 2)
                throw new UserErrorException(
                    $"expected NAME:key=value,key=value, got \"{text}\": \"{piece}\" is no key=value"
                );
            if (!names.Contains(pair[0]))
                throw new UserErrorException(
                    $"the defense {_defense} has no option {pair[0]}{NearestName.Hint(pair[0], names)}; its "
                        + $"options: {string.Join(", ", names)}"
                );
            if (!_given.TryAdd(pair[0], pair[1]))
                throw new UserErrorException($"the option {pair[0]} of {_defense} is given twice; give its value once");
        }
    }

    /// <summary>A name or file; null when it is not given.</summary>
    public string? Text(string name) => _given.GetValueOrDefault(name);

    /// <summary>A whole number.</summary>
    /// <exception cref="UserErrorException">What was given is none, or below the least.</exception>
    public int Whole(string name, int otherwise, int least = 1) =>
        Text(name) is not { } value ? otherwise
        : int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int whole) && whole >= least ? whole
        : throw new UserErrorException(
            $"the defense {_defense} takes for {name} a whole number from {least} on, got \"{value}\""
        );

    /// <summary>A number from 0 on.</summary>
    /// <exception cref="UserErrorException">What was given is none.</exception>
    public double Number(string name, double otherwise) =>
        Text(name) is not { } value ? otherwise
        : double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
        && number >= 0
        && double.IsFinite(number)
            ? number
        : throw new UserErrorException($"the defense {_defense} takes for {name} a number from 0 on, got \"{value}\"");

    /// <summary>One of a few words, the first when none is given.</summary>
    /// <exception cref="UserErrorException">What was given is another.</exception>
    public T Choice<T>(string name, params (string Word, T Value)[] choices)
    {
        string word = Text(name) ?? choices[0].Word;
        int index = Array.FindIndex(choices, choice => choice.Word == word);
        return index >= 0
            ? choices[index].Value
            : throw new UserErrorException(
                $"the defense {_defense} takes for {name} "
                    + $"{string.Join(" or ", choices.Select(choice => choice.Word))}, got \"{word}\""
            );
    }
}
