using System.Globalization;
using Parry.Catalogs;
using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>The words and number formats that every form of a report shares.</summary>
public static class ReportText
{
    /// <summary>What stands where a number that was not measured should be.</summary>
    public const string NotMeasured = "not measured";

    private static readonly Dictionary<string, string> s_titles = AttackCatalog
        .All.Select(entry => (entry.Name, entry.Title))
        .Concat(DefenseCatalog.All.Select(entry => (entry.Name, entry.Title)))
        .ToDictionary();

    private static readonly Dictionary<string, string> s_norms = new()
    {
        ["linf"] = "L∞",
        ["l2"] = "L2",
        ["l1"] = "L1",
        ["l0"] = "L0",
    };

    /// <summary>
    /// Gives the usual spelling of an attack's or a defense's name (<c>pgd:steps=40</c> is "PGD:steps=40"); others stay
    /// as they are.
    /// </summary>
    public static string Name(string name)
    {
        string head = name.Split(':')[0];
        return s_titles.TryGetValue(head, out string? title) ? title + name[head.Length..] : name;
    }

    /// <summary>
    /// Gives a budget such as "L∞ 0.1", or "smallest L2" for an attack without one, with no-break spaces; empty without
    /// a norm.
    /// </summary>
    public static string Budget(string? norm, double? epsilon)
    {
        if (norm is null)
            return "";

        string name = Norm(norm);
        return epsilon is { } value ? $"{name}\u00a0{Number(value)}" : $"smallest\u00a0{name}";
    }

    /// <summary>Gives a norm's usual sign, such as "L∞".</summary>
    public static string Norm(string norm) => s_norms.GetValueOrDefault(norm, norm);

    /// <summary>Gives an attack with its budget, such as "PGD, L∞ 0.1".</summary>
    public static string Attack(string name, string? norm, double? epsilon) =>
        norm is null ? Name(name) : $"{Name(name)}, {Budget(norm, epsilon)}";

    /// <summary>Says in words what the attacker knew.</summary>
    public static string Knowledge(Threat threat) =>
        threat switch
        {
            Threat.BlackBox => "attacker knows neither classifier nor defense",
            Threat.GreyBox => "attacker does not know the defense",
            Threat.WhiteBox => "attacker knows the defense",
            Threat.WhiteBoxRevisited => "attacker knows the defense and its random seed",
            _ => "no defense",
        };

    /// <summary>The threat's usual name, such as "grey box".</summary>
    public static string Name(Threat threat) =>
        threat switch
        {
            Threat.BlackBox => "black box",
            Threat.GreyBox => "grey box",
            Threat.WhiteBox => "white box",
            Threat.WhiteBoxRevisited => "white box revisited",
            _ => "none",
        };

    /// <summary>Gives a fraction as a percentage with one decimal, such as "92.5 %".</summary>
    public static string Percent(double fraction) =>
        (100 * fraction).ToString("0.0", CultureInfo.InvariantCulture) + "\u202f%";

    /// <summary>Gives a fraction as a percentage for large print: "92.5 %", but "61 %" rather than "61.0 %".</summary>
    public static string ShortPercent(double fraction) =>
        (100 * fraction).ToString("0.#", CultureInfo.InvariantCulture) + "\u202f%";

    /// <summary>
    /// A class with its probability, such as <c>tench 93.1 %</c>; the name alone where the probability is unknown.
    /// </summary>
    public static string Likely(ClassScore score) =>
        score.Probability is { } probability ? $"{score.Name} {Percent(probability)}" : score.Name;

    /// <summary>Gives a number with at most four significant digits, such as "0.1", "1.374" or "12500".</summary>
    public static string Number(double value) =>
        (Math.Abs(value) >= 1000 ? Math.Round(value) : value).ToString(
            Math.Abs(value) >= 1000 ? "0" : "G4",
            CultureInfo.InvariantCulture
        );

    /// <summary>Gives a time with three significant digits, such as "0.754" or "93.0".</summary>
    public static string Milliseconds(double value) =>
        value >= 100
            ? Number(Math.Round(value))
            : value.ToString(
                value >= 10 ? "0.0"
                    : value >= 1 ? "0.00"
                    : "0.000",
                CultureInfo.InvariantCulture
            );

    /// <summary>Gives an area under a ROC curve, such as "0.912", or a dash.</summary>
    public static string Area(double? area) => area?.ToString("0.000", CultureInfo.InvariantCulture) ?? "–";

    /// <summary>
    /// Gives the median perturbation of a row: a number, "∞" when at least half of the attacks failed, or a dash when
    /// nothing was attacked.
    /// </summary>
    public static string Distance(EvaluationRow row) =>
        row.MedianDistance is { } distance ? Number(distance)
        : row.Attacked > 0 && 2 * row.Succeeded <= row.Attacked ? "∞"
        : "–";
}
