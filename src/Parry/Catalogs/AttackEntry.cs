using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Parry.Attacks;
using Parry.Models;
using Parry.Options;

namespace Parry.Catalogs;

/// <summary>An attack as the front ends list it.</summary>
/// <param name="attack">The attack with the defaults.</param>
/// <param name="title">Its usual spelling in texts, such as PGD.</param>
/// <param name="summary">What it does, in one line.</param>
/// <param name="paper">Authors, year and arXiv number.</param>
public sealed class AttackEntry(IAttack<IClassifier> attack, string title, string summary, string paper)
{
    /// <summary>The option that takes one budget or several.</summary>
    internal const string Budgets = "eps";

    /// <summary>The option of every attack for the class it aims at.</summary>
    internal const string Target = "target";

    /// <summary>The option of attacks that can leave pixels as they are.</summary>
    internal const string Mask = "mask";

    private static readonly OptionBinder<IAttack<IClassifier>> s_binder = new(
        new Dictionary<Type, OptionConverter> { [typeof(IBudgetAttack<IClassifier>)] = InnerAttack.Converter }
    );

    /// <summary>The short name, for example <c>pgd</c>.</summary>
    public string Name => attack.Name;

    /// <summary>Its usual spelling in texts, such as PGD.</summary>
    public string Title => title;

    /// <summary>What it does, in one line.</summary>
    public string Summary => summary;

    /// <summary>Authors, year and arXiv number.</summary>
    public string Paper => paper;

    /// <summary>What it must see of a model, according to its type.</summary>
    public Knowledge Knowledge =>
        attack switch
        {
            IAttack<IPredictor> => Knowledge.Labels,
            IAttack<IScorer> => Knowledge.Scores,
            _ => Knowledge.Gradients,
        };

    /// <summary>Whether it stays within a budget; otherwise it looks for the smallest perturbation.</summary>
    public bool HasBudget => attack is IBudgetAttack<IClassifier>;

    /// <summary>The norms it can work in, its default first.</summary>
    public IReadOnlyList<Norm> AllNorms =>
        attack.GetType().GetProperty(nameof(attack.Norm))!.GetCustomAttribute<AllowedValuesAttribute>() is { } allowed
            ? [.. allowed.Values.Cast<Norm>()]
            : [attack.Norm];

    /// <summary>Its settings with their defaults.</summary>
    public IReadOnlyList<OptionInfo> Options => s_binder.OptionsOf(attack);

    /// <summary>
    /// The attack with the defaults. Every attack runs on a classifier; one that needs less also implements an
    /// interface for less.
    /// </summary>
    public IAttack<IClassifier> Default => attack;

    /// <summary>The attack with some settings changed.</summary>
    /// <param name="settings">Names of options with one value each, as text.</param>
    /// <exception cref="UserErrorException">An option or its value is not valid; the message lists the valid
    /// ones.</exception>
    public IAttack<IClassifier> Create(IEnumerable<KeyValuePair<string, string>> settings) => With(attack, settings);

    /// <summary>
    /// An attack of this kind as text that <see cref="AttackCatalog.Parse"/> reads: its name, its budget and what
    /// differs from the defaults.
    /// </summary>
    /// <param name="described">The attack.</param>
    /// <param name="epsilons">The budgets to name in place of its own; if empty, none is named.</param>
    /// <exception cref="ArgumentException">The attack is of another kind.</exception>
    public string Describe(IAttack<IClassifier> described, IReadOnlyList<double>? epsilons = null)
    {
        if (described.GetType() != attack.GetType())
            throw new ArgumentException(
                $"{described.GetType().Name} is not an attack of the entry {Name}.",
                nameof(described)
            );
        IEnumerable<string> changed = s_binder
            .Changes(described, attack)
            .Where(option => option.Key != Budgets)
            .Select(option => $"{option.Key}={option.Value}");
        if (described is IBudgetAttack<IClassifier> within && epsilons is not { Count: 0 })
        {
            IEnumerable<string> budgets = (epsilons ?? [within.Epsilon]).Select(Numbers.Text);
            changed = changed.Prepend($"{Budgets}={string.Join(',', budgets)}");
        }

        string options = string.Join(',', changed);
        return options.Length == 0 ? Name : $"{Name}:{options}";
    }

    internal IAttack<IClassifier> With(
        IAttack<IClassifier> settings,
        IEnumerable<KeyValuePair<string, string>> changes
    ) => s_binder.With($"the attack {Name}", settings, changes, Target, Mask);
}
