namespace Parry.Options;

/// <summary>Other words of the field for the names and values of options.</summary>
internal static class Synonyms
{
    private static readonly Dictionary<string, string[]> s_names = new()
    {
        ["eps"] = ["epsilon", "max-norm"],
        ["steps"] = ["iterations", "iters", "iter", "nb-iter", "max-iter", "num-steps", "n-iter"],
        ["step"] = ["alpha", "step-size", "eps-step", "eps-iter", "stepsize"],
        ["restarts"] = ["n-restarts", "num-restarts", "num-random-init"],
        ["queries"] = ["n-queries", "max-queries"],
        ["ni"] = ["nesterov"],
        ["vmi"] = ["variance", "vt"],
    };

    private static readonly Dictionary<string, string[]> s_values = new()
    {
        ["cross-entropy"] = ["ce", "xent", "crossentropy"],
        ["margin"] = ["cw", "carlini-wagner"],
        ["linf"] = ["inf", "l-inf", "linfinity"],
        ["l2"] = ["2", "l-2"],
        ["l1"] = ["1", "l-1"],
        ["l0"] = ["0", "l-0"],
    };

    /// <summary>The name of an option that is meant; null where no name is.</summary>
    /// <param name="text">The name as written.</param>
    /// <param name="names">The names that there are.</param>
    public static string? Name(string text, IEnumerable<string> names) => Find(s_names, text, names);

    /// <summary>The value that is meant; null where no value is.</summary>
    /// <param name="text">The value as written.</param>
    /// <param name="values">The values that there are.</param>
    public static string? Value(string text, IEnumerable<string> values) => Find(s_values, text, values);

    // In any case, and with underscores for hyphens. What is written as it is listed goes first.
    private static string? Find(Dictionary<string, string[]> synonyms, string text, IEnumerable<string> known)
    {
        if (known.Contains(text))
            return text;
        string word = text.ToLowerInvariant().Replace('_', '-');
        return known.FirstOrDefault(one => one == word)
            ?? known.FirstOrDefault(one => synonyms.GetValueOrDefault(one)?.Contains(word) ?? false);
    }
}
