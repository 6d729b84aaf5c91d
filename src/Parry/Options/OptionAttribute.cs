namespace Parry.Options;

/// <summary>Makes a property of a settings record an option, written <c>name=value</c>.</summary>
/// <param name="name">The name, in lower case.</param>
/// <param name="summary">What it does, in one line.</param>
/// <remarks>
/// The property's type says what values there are: numbers, whole numbers, true and false, the members of an enum in
/// kebab case, texts, and lists of texts joined by +. A nullable number is <c>auto</c> when it is null.
/// <see cref="System.ComponentModel.DataAnnotations.AllowedValuesAttribute"/> narrows an enum.
/// </remarks>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OptionAttribute(string name, string summary) : Attribute
{
    /// <summary>The name, in lower case.</summary>
    public string Name { get; } = name;

    /// <summary>What it does, in one line.</summary>
    public string Summary { get; } = summary;

    /// <summary>The least value of a number.</summary>
    public double Min { get; init; }

    /// <summary>The largest value of a number.</summary>
    public double Max { get; init; } = double.PositiveInfinity;

    /// <summary>What a text may be, for help and errors.</summary>
    public string? Values { get; init; }
}

/// <summary>Makes the options of a property's own type options of the record that has the property.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OptionsAttribute : Attribute;
