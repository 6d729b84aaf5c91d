using Parry.Defenses;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Catalogs;

/// <summary>A defense as the front ends list it.</summary>
/// <param name="settings">Its settings with the defaults.</param>
/// <param name="name">The short name, for example <c>defense-gan</c>.</param>
/// <param name="title">Its usual spelling in texts, such as Defense-GAN.</param>
/// <param name="summary">What it does, in one line.</param>
/// <param name="paper">Authors, year and arXiv number.</param>
public sealed class DefenseEntry(IDefenseSettings settings, string name, string title, string summary, string paper)
{
    private static readonly OptionBinder<IDefenseSettings> s_binder = new(
        new Dictionary<Type, OptionConverter> { [typeof(ScalarType)] = NumberType.Converter }
    );

    /// <summary>The short name, for example <c>defense-gan</c>.</summary>
    public string Name => name;

    /// <summary>Its usual spelling in texts, such as Defense-GAN.</summary>
    public string Title => title;

    /// <summary>What it does, in one line.</summary>
    public string Summary => summary;

    /// <summary>Authors, year and arXiv number.</summary>
    public string Paper => paper;

    /// <summary>The attacks known to break it.</summary>
    public IReadOnlyList<KnownBreak> Breaks { get; init; } = [];

    /// <summary>Its settings with their defaults.</summary>
    public IReadOnlyList<OptionInfo> Options => s_binder.OptionsOf(settings);

    /// <summary>Its settings with some changed.</summary>
    /// <param name="changes">Names of options with one value each, as text.</param>
    /// <exception cref="UserErrorException">An option or its value is not valid; the message lists the valid
    /// ones.</exception>
    public IDefenseSettings With(IEnumerable<KeyValuePair<string, string>> changes) =>
        s_binder.With($"the defense {name}", settings, changes);
}
