using System.Globalization;
using System.Text;
using Parry.Attacks;
using Parry.Catalogs;

namespace Parry.Cli.Reproducing;

/// <summary>
/// The student report's table of 33 attacks with its six attributes, beside what the catalog says of Parry's attacks of
/// these names.
/// </summary>
internal static class AttackSurvey
{
    private const string Resource = "Parry.Survey.json";

    /// <summary>The rows as the report prints them.</summary>
    public static IReadOnlyList<SurveyedAttack> Rows()
    {
        using Stream stream = typeof(AttackSurvey).Assembly.GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(stream);
        return ExperimentJson.Read<IReadOnlyList<SurveyedAttack>>(reader.ReadToEnd());
    }

    /// <summary>Adds the table to a document.</summary>
    public static void Append(StringBuilder text)
    {
        text.Append("## The 33 attacks of the student report\n\n");
        text.Append(
            "The report's figure 2.9. The columns with \"ours\" are read off the catalog; scope, visibility and "
        );
        text.Append("approach are the report's. Each of Parry's attacks can be targeted or not.\n\n");
        text.Append(
            "| attack | ours | scope | visibility | measurement | ours | knowledge | ours | specificity | approach |\n"
        );
        text.Append("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
        foreach (SurveyedAttack attack in Rows())
        {
            AttackEntry[] own = [.. attack.Ours.Select(AttackCatalog.Find)];
            string ours = own.Length == 0 ? attack.Instead! : string.Join(", ", own.Select(entry => $"`{entry.Name}`"));
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {attack.Name} | {ours} | {attack.Scope} | {attack.Visibility} | {attack.Measurement} "
            );
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {Norms(own)} | {attack.Knowledge} | {Knows(own)} | {attack.Specificity} | {attack.Approach} |\n"
            );
        }
    }

    private static string Norms(AttackEntry[] own) =>
        string.Join(", ", own.SelectMany(entry => entry.AllNorms).Distinct().Order().Select(Spelled));

    private static string Spelled(Norm norm) => norm == Norm.Linf ? "Linf" : norm.Name().ToUpperInvariant();

    private static string Knows(AttackEntry[] own) =>
        string.Join(", ", own.Select(entry => entry.Knowledge.ToString().ToLowerInvariant()).Distinct());
}

/// <summary>An attack as the report describes it.</summary>
internal sealed record SurveyedAttack
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The names of Parry's attacks.</summary>
    public required IReadOnlyList<string> Ours { get; init; }

    /// <summary>What Parry has instead of an attack; null where it has one.</summary>
    public string? Instead { get; init; }

    /// <summary>Whether a perturbation is for one image or for all.</summary>
    public required string Scope { get; init; }

    /// <summary>Whether people see it.</summary>
    public required string Visibility { get; init; }

    /// <summary>The norms that measure it.</summary>
    public required string Measurement { get; init; }

    /// <summary>What the attacker knows.</summary>
    public required string Knowledge { get; init; }

    /// <summary>Whether it aims at a class.</summary>
    public required string Specificity { get; init; }

    /// <summary>What it follows.</summary>
    public required string Approach { get; init; }
}
