using Parry.Models;

namespace Parry.Attacks.Catalog;

/// <summary>An attack as the command line knows it.</summary>
public abstract class AttackEntry
{
    private protected AttackEntry(string summary, string paper) => (Summary, Paper) = (summary, paper);

    /// <summary>The option that takes one budget or several.</summary>
    internal const string Budgets = "eps";

    /// <summary>The option of every attack that can aim at a class.</summary>
    internal const string Target = "target";

    /// <summary>The command-line name, for example <c>pgd</c>.</summary>
    public string Name => Default.Name;

    /// <summary>What it does, in one line.</summary>
    public string Summary { get; }

    /// <summary>Authors, year and arXiv number.</summary>
    public string Paper { get; }

    /// <summary>What it must see of a model; its type says it.</summary>
    public Knowledge Knowledge =>
        Default switch
        {
            IAttack<IPredictor> => Knowledge.Labels,
            IAttack<IScorer> => Knowledge.Scores,
            _ => Knowledge.Gradients,
        };

    /// <summary>Whether it stays within a budget; otherwise it looks for the smallest perturbation.</summary>
    public bool HasBudget => Default is IBudgetAttack<IClassifier>;

    /// <summary>The norms it can work in, its default first.</summary>
    public abstract IReadOnlyList<Norm> AllNorms { get; }

    /// <summary>Whether it can also be told which class to reach.</summary>
    public bool CanTarget { get; init; } = true;

    /// <summary>Its settings with their defaults.</summary>
    public abstract IReadOnlyList<AttackOption> Options { get; }

    /// <summary>
    /// The attack with the defaults. Every attack runs on a classifier; one that needs less also has a lesser type.
    /// </summary>
    public abstract IAttack<IClassifier> Default { get; }

    /// <summary>The attack with some settings changed.</summary>
    /// <param name="settings">Names of options with one value each, as text.</param>
    /// <exception cref="UserErrorException">An option or its value is not one of those that are valid, which the
    /// message lists.</exception>
    public abstract IAttack<IClassifier> Create(IEnumerable<KeyValuePair<string, string>> settings);

    /// <summary>
    /// An attack of this kind as text that <see cref="AttackCatalog.Parse"/> reads: its name, its budget and what
    /// differs from the defaults.
    /// </summary>
    /// <param name="attack">The attack.</param>
    /// <param name="epsilons">The budgets to name in place of its own; none where it is empty.</param>
    /// <exception cref="ArgumentException">The attack is of another kind.</exception>
    public abstract string Describe(IAttack<IClassifier> attack, IReadOnlyList<double>? epsilons = null);
}
