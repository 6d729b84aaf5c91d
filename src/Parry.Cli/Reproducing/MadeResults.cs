using System.Globalization;
using System.Text.Json;
using Parry.Data.Files;
using Parry.Evaluation;
using Parry.Reports;

namespace Parry.Cli.Reproducing;

/// <summary>Reads what the commands of experiments made.</summary>
/// <param name="folder">Where that is.</param>
internal sealed class MadeResults(string folder)
{
    private const long MostBytes = 64L << 20;

    private readonly Dictionary<string, EvaluationReport?> _reports = [];

    /// <summary>Where a file is.</summary>
    public string PathOf(string file) => Path.Combine(folder, file);

    /// <summary>Whether a thing is there, made to its end.</summary>
    public bool Has(string target) => ReproduceRun.IsMade(folder, target);

    /// <summary>
    /// The row of an evaluation that a source names, of several the one that leaves least; null if there is none.
    /// </summary>
    public EvaluationRow? Row(NumberSource source) =>
        (ReportOf(source.From)?.Rows ?? [])
            .Where(row => Fits(row, source))
            .OrderByDescending(row => row.Defense == source.Defense)
            .ThenByDescending(row => source.Attack is null ? 0 : Shared(row.Attack, source.Attack))
            .ThenBy(row => row.RobustCorrect)
            .FirstOrDefault();

    /// <summary>The ROC curve that a source names; null if there is none.</summary>
    public RocCurve? Curve(NumberSource source) =>
        (ReportOf(source.From)?.Rocs ?? [])
            .Where(roc => Fits(source, roc.Attack, roc.Defense, roc.Epsilon, roc.Threat))
            .OrderByDescending(roc => roc.Defense == source.Defense)
            .FirstOrDefault();

    /// <summary>What is at a place in a JSON file, such as <c>/photos/0</c>; null if the file is not there.</summary>
    public JsonElement? Json(string file, string place)
    {
        if (!File.Exists(PathOf(file)))
            return null;
        using JsonDocument document = JsonDocument.Parse(RegularFile.ReadText(PathOf(file), MostBytes));
        JsonElement at = document.RootElement;
        foreach (string name in place.Split('/', StringSplitOptions.RemoveEmptyEntries))
            at =
                at.ValueKind == JsonValueKind.Array
                    ? at[int.Parse(name, CultureInfo.InvariantCulture)]
                    : at.GetProperty(name);
        return at.Clone();
    }

    // None of a run that is not made to its end: its report may lack the strongest attack.
    private EvaluationReport? ReportOf(string run)
    {
        if (!_reports.TryGetValue(run, out EvaluationReport? report))
            _reports[run] = report = Has(run) ? JsonReport.Read(PathOf(Path.Combine(run, "report.json"))) : null;
        return report;
    }

    private static bool Fits(EvaluationRow row, NumberSource source) =>
        (source.Value == "clean") == (row.Attack == EvaluationRow.Nothing)
        && Fits(source, row.Attack, row.Defense, row.Epsilon, row.Threat);

    // A report names a defense by its kind alone where no other is of that kind.
    private static bool Fits(NumberSource source, string attack, string defense, double? epsilon, Threat threat) =>
        (defense == source.Defense || defense == source.Defense.Split(':')[0])
        && (source.Attack is null || IsAttack(attack, source.Attack))
        && (source.Epsilon is not { } wanted || epsilon is not { } own || Math.Abs(own - wanted) < 1e-9)
        && (source.Aware is not { } aware || threat.IsAware() == aware);

    // A report names an attack with those options that are not the defaults, and only where several are of one kind.
    private static bool IsAttack(string name, string wanted) =>
        name.Split(':')[0] == wanted.Split(':')[0]
        && Options(wanted).All(option => Options(name).GetValueOrDefault(option.Key, option.Value) == option.Value);

    private static int Shared(string name, string wanted) => Options(name).Intersect(Options(wanted)).Count();

    private static Dictionary<string, string> Options(string attack) =>
        attack
            .Split(':', 2)
            .Skip(1)
            .SelectMany(options => options.Split(','))
            .Select(option => option.Split('=', 2))
            .Where(option => option.Length == 2)
            .ToDictionary(option => option[0], option => option[1]);
}
