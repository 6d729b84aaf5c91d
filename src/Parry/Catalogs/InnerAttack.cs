using Parry.Attacks;
using Parry.Models;
using Parry.Options;

namespace Parry.Catalogs;

/// <summary>
/// The attack that another one runs on models of its own, as an option's text: its name, or
/// <c>NAME:key=value+key=value</c>.
/// </summary>
internal static class InnerAttack
{
    /// <summary>Reads and writes such texts.</summary>
    public static OptionConverter Converter { get; } =
        new(
            "an attack with a budget that does not learn, as NAME or NAME:key=value+key=value",
            Parse,
            attack => Text((IBudgetAttack<IClassifier>)attack)
        );

    private static IBudgetAttack<IClassifier>? Parse(string text)
    {
        AttackSpec spec = AttackCatalog.Parse(text.Replace('+', ','));
        return spec.Attack is not ITrainedAttack<IClassifier> && spec.Mask is null && spec.Epsilons.Count == 1
            ? spec.Attack as IBudgetAttack<IClassifier>
            : null;
    }

    private static string Text(IBudgetAttack<IClassifier> attack) =>
        AttackCatalog.Find(attack.Name).Describe(attack, []).Replace(',', '+');
}
