using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Parry.Models.Http;

/// <summary>
/// A path to elements of a JSON document: <c>$</c> for the whole, <c>.name</c> a member, <c>[0]</c> an item,
/// <c>[*]</c> all items.
/// </summary>
public sealed partial class JsonPath
{
    private readonly string _text;
    private readonly Func<JsonElement, IEnumerable<JsonElement>>[] _steps;

    private JsonPath(string text, Func<JsonElement, IEnumerable<JsonElement>>[] steps) =>
        (_text, _steps) = (text, steps);

    /// <summary>Reads a path such as <c>$.predictions[*].scores</c>; null if it is not a path.</summary>
    public static JsonPath? TryParse(string text) =>
        Whole().Match(text) is { Success: true } match
            ? new(text, [.. match.Groups[1].Captures.Select(capture => Step(text, capture.Value))])
            : null;

    /// <summary>Finds the elements at this path: one, or several if the path has stars.</summary>
    /// <exception cref="InvalidDataException">The document has nothing at this path.</exception>
    public IReadOnlyList<JsonElement> In(JsonElement document)
    {
        IEnumerable<JsonElement> found = [document];
        foreach (var step in _steps)
            found = found.SelectMany(step);
        return [.. found];
    }

    /// <inheritdoc/>
    public override string ToString() => _text;

    private static Func<JsonElement, IEnumerable<JsonElement>> Step(string path, string step)
    {
        if (step == "[*]")
            return element =>
                element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : throw Missing("no array");
        if (step[0] == '.')
            return element =>
                element.ValueKind == JsonValueKind.Object && element.TryGetProperty(step[1..], out JsonElement member)
                    ? [member]
                    : throw Missing("nothing");
        int index = int.Parse(step.AsSpan(1, step.Length - 2), NumberStyles.None, CultureInfo.InvariantCulture);
        return element =>
            element.ValueKind == JsonValueKind.Array && index < element.GetArrayLength()
                ? [element[index]]
                : throw Missing("nothing");

        InvalidDataException Missing(string what) => new($"there is {what} at {step} of {path}");
    }

    [GeneratedRegex(@"\A\$(\.[^.\[\]]+|\[\d{1,6}\]|\[\*\])*\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Whole();
}
