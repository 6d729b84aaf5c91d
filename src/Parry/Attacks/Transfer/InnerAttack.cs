using Parry.Attacks.Catalog;
using Parry.Models;

namespace Parry.Attacks.Transfer;

/// <summary>
/// The attack that another one runs on models of its own, as an option's text: its name, or
/// <c>NAME:key=value+key=value</c>.
/// </summary>
internal static class InnerAttack
{
    /// <summary>What the text may be.</summary>
    public const string Values = "an attack with a budget that does not learn, as NAME or NAME:key=value+key=value";

    /// <summary>Reads an attack; null when it has no budget or learns before it attacks.</summary>
    /// <exception cref="UserErrorException">There is no such attack, or it does not take such options.</exception>
    public static IBudgetAttack<IClassifier>? Parse(string text) =>
        AttackCatalog.Parse(text.Replace('+', ','))
            is { Attack: IBudgetAttack<IClassifier> and not ITrainedAttack<IClassifier>, Epsilons.Count: 1 } spec
            ? (IBudgetAttack<IClassifier>)spec.Attack
            : null;

    /// <summary>The text that gives the attack again, without its budget.</summary>
    public static string Text(IBudgetAttack<IClassifier> attack)
    {
        string[] parts = AttackCatalog.Find(attack.Name).Describe(attack).Split(':', 2);
        string[] options =
        [
            .. parts
                .Skip(1)
                .SelectMany(options => options.Split(','))
                .Where(option => !option.StartsWith(AttackEntry.Budgets + "=", StringComparison.Ordinal)),
        ];
        return options.Length == 0 ? parts[0] : $"{parts[0]}:{string.Join('+', options)}";
    }
}
