using Parry.Defenses.Training;
using Parry.Options;

namespace Parry.Catalogs;

/// <summary>
/// Every recipe of adversarial training that has a loss and an attack of its own, and the reader of texts such as
/// <c>trades:eps=0.3,beta=6</c>. A new recipe is one line here.
/// </summary>
public static class AdversarialRecipes
{
    private static readonly OptionBinder<AdversarialRecipe> s_binder = new();

    /// <summary>All recipes, with their defaults.</summary>
    public static IReadOnlyList<AdversarialRecipe> All { get; } = [new Trades(), new Mart()];

    /// <summary>Reads <c>NAME</c> or <c>NAME:key=value,key=value</c>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The recipe; null where no recipe has that name.</returns>
    /// <exception cref="UserErrorException">An option or a value is not valid; the message says what is.</exception>
    public static AdversarialRecipe? Parse(string text)
    {
        string name = text.Split(':')[0].Trim();
        if (All.FirstOrDefault(recipe => recipe.Name == name) is not { } found)
            return null;
        IReadOnlyList<OptionInfo> options = s_binder.OptionsOf(found);
        string[] names = [.. options.Select(option => option.Name)];
        var settings = OptionText
            .Parse(text, _ => options)
            .Settings.Select(setting => (Synonyms.Name(setting.Key, names) ?? setting.Key, setting.Values));
        return s_binder.With($"the recipe {name}", found, OptionText.Single(name, settings));
    }
}
