using System.Reflection;
using System.Runtime.ExceptionServices;

namespace Parry.Options;

/// <summary>
/// Binds texts to the properties of settings records that have an <see cref="OptionAttribute"/>: reads them, writes
/// them, and lists them for help.
/// </summary>
/// <typeparam name="TSettings">What all the records have in common.</typeparam>
/// <param name="converters">Converters for types that options do not know by themselves.</param>
public sealed class OptionBinder<TSettings>(IReadOnlyDictionary<Type, OptionConverter>? converters = null)
    where TSettings : notnull
{
    private const string Auto = "auto";

    /// <summary>The options of a record, with its values as the defaults.</summary>
    /// <param name="settings">The record.</param>
    public IReadOnlyList<OptionInfo> OptionsOf(TSettings settings) =>
        [
            .. Bindings(settings.GetType())
                .Select(binding => new OptionInfo(
                    binding.Name,
                    binding.Converter.Values,
                    binding.Read(settings),
                    binding.Summary
                )),
        ];

    /// <summary>A record with some options changed.</summary>
    /// <param name="subject">What it is called in errors, such as "the attack pgd".</param>
    /// <param name="settings">The record, which stays as it is.</param>
    /// <param name="values">Names of options with one value each.</param>
    /// <param name="others">Names of options that are read elsewhere, for errors.</param>
    /// <exception cref="UserErrorException">An option or its value is not valid; the message says what is.</exception>
    public TSettings With(
        string subject,
        TSettings settings,
        IEnumerable<KeyValuePair<string, string>> values,
        params IReadOnlyList<string> others
    )
    {
        IReadOnlyList<Binding> bindings = Bindings(settings.GetType());
        object changed = settings;
        foreach (var (key, text) in values)
        {
            Binding binding =
                bindings.FirstOrDefault(b => b.Name == key)
                ?? throw Unknown(subject, key, [.. bindings.Select(binding => binding.Name), .. others]);
            object value =
                binding.Converter.Parse(text)
                ?? throw new UserErrorException(
                    $"{subject} takes for {key} {binding.Converter.Values}, got \"{text}\""
                );
            changed = binding.Write(changed, value);
        }

        return (TSettings)changed;
    }

    /// <summary>The options in which a record differs from another, as <c>key=value</c>.</summary>
    /// <param name="settings">The record.</param>
    /// <param name="defaults">The other, of the same type.</param>
    public IReadOnlyList<KeyValuePair<string, string>> Changes(TSettings settings, TSettings defaults) =>
        [
            .. Bindings(settings.GetType())
                .Select(binding => (binding.Name, Now: binding.Read(settings), Before: binding.Read(defaults)))
                .Where(option => option.Now != option.Before)
                .Select(option => KeyValuePair.Create(option.Name, option.Now)),
        ];

    private static UserErrorException Unknown(string subject, string key, string[] names)
    {
        return new(
            names.Length == 0
                ? $"{subject} has no options, got {key}"
                : $"{subject} has no option {key}{NearestName.Hint(key, names)}; its options: "
                    + string.Join(", ", names)
        );
    }

    private List<Binding> Bindings(Type type)
    {
        var bindings = new List<Binding>();
        PropertyInfo[] properties =
        [
            .. type.GetProperties()
                .OrderBy(property => property.DeclaringType == type)
                .ThenBy(property => property.MetadataToken),
        ];
        foreach (PropertyInfo property in properties)
        {
            if (property.IsDefined(typeof(OptionsAttribute)))
                bindings.AddRange(Bindings(property.PropertyType).Select(inner => inner.Within(property)));
            if (property.GetCustomAttribute<OptionAttribute>() is not { } option)
                continue;
            OptionConverter? known = converters?.GetValueOrDefault(property.PropertyType);
            bindings.Add(
                new Binding(option.Name, option.Summary, [property], known ?? OptionConverter.Of(property, option))
            );
        }

        return bindings;
    }

    // The path leads from the record through nested records to the property.
    private sealed record Binding(
        string Name,
        string Summary,
        IReadOnlyList<PropertyInfo> Path,
        OptionConverter Converter
    )
    {
        public Binding Within(PropertyInfo property) => this with { Path = [property, .. Path] };

        public string Read(object settings)
        {
            object? value = settings;
            foreach (PropertyInfo property in Path)
                value = property.GetValue(value);
            string text = value is null ? "" : Converter.Write(value);
            return text.Length == 0 ? Auto : text;
        }

        public object Write(object settings, object value) => Write(settings, value, 0);

        private object Write(object settings, object value, int depth)
        {
            object copy = settings.GetType().GetMethod("<Clone>$")!.Invoke(settings, null)!;
            PropertyInfo property = Path[depth];
            object set = depth == Path.Count - 1 ? value : Write(property.GetValue(settings)!, value, depth + 1);
            try
            {
                property.SetValue(copy, set);
            }
            catch (TargetInvocationException e) when (e.InnerException is UserErrorException refused)
            {
                ExceptionDispatchInfo.Throw(refused);
            }

            return copy;
        }
    }
}
