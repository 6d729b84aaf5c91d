using System.Globalization;
using Parry.Models;

namespace Parry.Attacks.Catalog;

/// <summary>
/// An entry for attacks of one type. Each option is given once, as how it is read from an attack and how it changes
/// one.
/// </summary>
internal sealed class AttackEntry<TAttack>(TAttack attack, string summary, string paper) : AttackEntry(summary, paper)
    where TAttack : IAttack<IClassifier>
{
    private const string Auto = "auto";

    private readonly List<Setting> _settings = [];
    private IReadOnlyList<Norm>? _norms;

    public override IReadOnlyList<Norm> AllNorms => _norms ?? [attack.Norm];

    public override IReadOnlyList<AttackOption> Options =>
        [
            .. _settings.Select(setting => new AttackOption(
                setting.Name,
                setting.Values,
                setting.Get(attack),
                setting.Summary
            )),
        ];

    public override IAttack<IClassifier> Default => attack;

    public AttackEntry<TAttack> Budget(string summary, Func<TAttack, double> get, Func<TAttack, double, TAttack> set) =>
        Number(Budgets, 0, summary, a => get(a), set);

    public AttackEntry<TAttack> Norms(
        IReadOnlyList<Norm> norms,
        Func<TAttack, Norm> get,
        Func<TAttack, Norm, TAttack> set
    )
    {
        _norms = norms;
        return OneOf("norm", "how the perturbation is measured", norms, norm => norm.Name(), get, set);
    }

    public AttackEntry<TAttack> Number(
        string name,
        double least,
        string summary,
        Func<TAttack, double?> get,
        Func<TAttack, double, TAttack> set
    ) =>
        Add(
            name,
            $"a number from {Numbers.Text(least)} on, such as 0.1 or 8/255",
            summary,
            a => get(a) is { } value ? Numbers.Text(value) : Auto,
            (a, text) => Numbers.TryParse(text, out double value) && value >= least ? set(a, value) : default
        );

    public AttackEntry<TAttack> Whole(
        string name,
        int least,
        string summary,
        Func<TAttack, int?> get,
        Func<TAttack, int, TAttack> set
    ) =>
        Add(
            name,
            $"a whole number from {least} on",
            summary,
            a => get(a)?.ToString(CultureInfo.InvariantCulture) ?? Auto,
            (a, text) =>
                int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least
                    ? set(a, value)
                    : default
        );

    public AttackEntry<TAttack> Flag(
        string name,
        string summary,
        Func<TAttack, bool> get,
        Func<TAttack, bool, TAttack> set
    ) => OneOf(name, summary, [true, false], value => value ? "true" : "false", get, set);

    public AttackEntry<TAttack> Choice<TValue>(
        string name,
        string summary,
        Func<TAttack, TValue> get,
        Func<TAttack, TValue, TAttack> set
    )
        where TValue : struct, Enum => OneOf(name, summary, Enum.GetValues<TValue>(), KebabCase, get, set);

    /// <summary>An option that is text; setting gives null where the text is not valid.</summary>
    public AttackEntry<TAttack> Text(
        string name,
        string values,
        string summary,
        Func<TAttack, string?> get,
        Func<TAttack, string, TAttack?> set
    ) => Add(name, values, summary, a => get(a) ?? Auto, set);

    public override IAttack<IClassifier> Create(IEnumerable<KeyValuePair<string, string>> settings)
    {
        TAttack changed = attack;
        foreach (var (name, text) in settings)
        {
            Setting setting =
                _settings.Find(s => s.Name == name)
                ?? throw new UserErrorException(
                    _settings.Count == 0
                        ? $"the attack {Name} has no options, got {name}"
                        : $"the attack {Name} has no option "
                            + $"{name}{NearestName.Hint(name, _settings.Select(s => s.Name))}; its options: "
                            + $"{string.Join(", ", _settings.Select(s => s.Name).Concat(CanTarget ? [Target] : []))}"
                );
            changed =
                setting.Set(changed, text)
                ?? throw new UserErrorException($"the attack {Name} takes for {name} {setting.Values}, got \"{text}\"");
        }

        return changed;
    }

    public override string Describe(IAttack<IClassifier> described, IReadOnlyList<double>? epsilons = null)
    {
        if (described is not TAttack mine)
            throw new ArgumentException(
                $"{described.GetType().Name} is not an attack of the entry {Name}.",
                nameof(described)
            );
        var pieces = new List<string>();
        foreach (Setting setting in _settings)
        {
            string value = setting.Get(mine);
            if (setting.Name == Budgets && epsilons is { Count: 0 })
                continue;
            if (setting.Name == Budgets)
                pieces.Add($"{Budgets}={(epsilons is null ? value : string.Join(',', epsilons.Select(Numbers.Text)))}");
            else if (value != setting.Get(attack))
                pieces.Add($"{setting.Name}={value}");
        }

        return pieces.Count == 0 ? Name : $"{Name}:{string.Join(',', pieces)}";
    }

    private AttackEntry<TAttack> OneOf<TValue>(
        string name,
        string summary,
        IReadOnlyList<TValue> values,
        Func<TValue, string> textOf,
        Func<TAttack, TValue> get,
        Func<TAttack, TValue, TAttack> set
    )
    {
        string[] texts = [.. values.Select(textOf)];
        return Add(
            name,
            string.Join(" or ", texts),
            summary,
            a => textOf(get(a)),
            (a, text) => Array.IndexOf(texts, text) is >= 0 and var index ? set(a, values[index]) : default
        );
    }

    private AttackEntry<TAttack> Add(
        string name,
        string values,
        string summary,
        Func<TAttack, string> get,
        Func<TAttack, string, TAttack?> set
    )
    {
        _settings.Add(new Setting(name, values, summary, get, set));
        return this;
    }

    private static string KebabCase<TValue>(TValue value)
        where TValue : struct, Enum =>
        string.Concat(
            value
                .ToString()
                .Select((c, i) => char.IsUpper(c) ? (i > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString())
        );

    private sealed record Setting(
        string Name,
        string Values,
        string Summary,
        Func<TAttack, string> Get,
        Func<TAttack, string, TAttack?> Set
    );
}
