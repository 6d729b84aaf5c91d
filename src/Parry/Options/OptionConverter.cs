using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace Parry.Options;

/// <summary>Reads and writes the values of properties of one type.</summary>
/// <param name="Values">What may be written, for help and errors.</param>
/// <param name="Parse">From text to a value; null where the text is not valid.</param>
/// <param name="Write">From a value to text.</param>
public sealed record OptionConverter(string Values, Func<string, object?> Parse, Func<object, string> Write)
{
    private const string Numeric = "such as 0.1 or 8/255";
    private const int LongestSeconds = 86_400;

    /// <summary>True or false; the name of such an option alone means true.</summary>
    internal static OptionConverter Flag { get; } =
        Word(new Dictionary<string, object> { ["true"] = true, ["false"] = false });

    /// <summary>The converter of a property, by its type and attributes.</summary>
    internal static OptionConverter Of(PropertyInfo property, OptionAttribute option)
    {
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type == typeof(double))
            return Number(option.Min, option.Max);
        if (type == typeof(int) || type == typeof(long))
            return Whole(type, (long)option.Min);
        if (type == typeof(TimeSpan))
            return Seconds(option.Min);
        if (type == typeof(bool))
            return Flag;
        if (type == typeof(string))
            return new(option.Values ?? "a text", text => text.Length > 0 ? text : null, value => (string)value);
        if (type == typeof(IReadOnlyList<string>))
            return new(
                option.Values ?? "texts joined by +",
                text => text.Split('+') is var texts && !texts.Contains("") ? texts : null,
                value => string.Join('+', (IEnumerable<string>)value)
            );
        IEnumerable values =
            property.GetCustomAttribute<AllowedValuesAttribute>()?.Values ?? (IEnumerable)Enum.GetValues(type);
        return Word(values.Cast<object>().ToDictionary(value => KebabCase(value.ToString()!)));
    }

    private static OptionConverter Number(double min, double max)
    {
        string range = double.IsPositiveInfinity(max)
            ? $"a number of at least {Numbers.Text(min)}, {Numeric}"
            : $"a number from {Numbers.Text(min)} to {Numbers.Text(max)}, {Numeric}";
        return new(
            range,
            text => Numbers.TryParse(text, out double number) && number >= min && number <= max ? number : null,
            value => Numbers.Text((double)value)
        );
    }

    private static OptionConverter Whole(Type type, long min) =>
        new(
            $"a whole number of at least {min}",
            text =>
                long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                && number >= min
                && (type == typeof(long) || number <= int.MaxValue)
                    ? Convert.ChangeType(number, type, CultureInfo.InvariantCulture)
                    : null,
            value => Convert.ToString(value, CultureInfo.InvariantCulture)!
        );

    private static OptionConverter Seconds(double min) =>
        new(
            $"seconds from {Numbers.Text(min)} to {LongestSeconds}",
            text =>
                Numbers.TryParse(text, out double seconds) && seconds >= min && seconds <= LongestSeconds
                    ? TimeSpan.FromSeconds(seconds)
                    : null,
            value => Numbers.Text(((TimeSpan)value).TotalSeconds)
        );

    private static OptionConverter Word(Dictionary<string, object> words) =>
        new(
            string.Join(" or ", words.Keys),
            text => Synonyms.Value(text, words.Keys) is { } word ? words[word] : null,
            value => words.First(word => word.Value.Equals(value)).Key
        );

    private static string KebabCase(string name) =>
        string.Concat(
            name.Select((c, i) => char.IsUpper(c) ? $"{(i > 0 ? "-" : "")}{char.ToLowerInvariant(c)}" : $"{c}")
        );
}
