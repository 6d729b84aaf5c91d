using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>
/// What one evaluation found, and what it takes to reproduce it. The writers (<see cref="JsonReport"/>,
/// <see cref="MarkdownReport"/>, <see cref="Html.HtmlReport"/>) show it and compute nothing.
/// </summary>
public sealed record EvaluationReport
{
    /// <summary>The version of the JSON document this record is written as.</summary>
    public const int CurrentSchemaVersion = 3;

    /// <summary>The schema version, always <see cref="CurrentSchemaVersion"/>.</summary>
    public int SchemaVersion { get; } = CurrentSchemaVersion;

    /// <summary>What was evaluated, in a few words; the headline of the page.</summary>
    public required string Title { get; init; }

    /// <summary>The exact command that reproduces this report.</summary>
    public required string Command { get; init; }

    /// <summary>When the evaluation ended, in UTC.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The machine and software, for example cores, LibTorch version, BLAS.</summary>
    public required IReadOnlyDictionary<string, string> Machine { get; init; }

    /// <summary>Every setting of the run that is not already in a row.</summary>
    public required IReadOnlyDictionary<string, string> Settings { get; init; }

    /// <summary>The measurements, one for each attack, budget, defense and threat.</summary>
    public required IReadOnlyList<EvaluationRow> Rows { get; init; }

    /// <summary>How well attacked images are detected; may be empty.</summary>
    public required IReadOnlyList<RocCurve> Rocs { get; init; }

    /// <summary>Pictures of single images through attack and defense; may be empty.</summary>
    public required IReadOnlyList<GalleryRow> Gallery { get; init; }

    /// <summary>How long the bare classifier and each defense take for an image; may be empty.</summary>
    public required IReadOnlyList<AnswerTime> Times { get; init; }

    /// <summary>
    /// For each defense what a reader must know beside its numbers: a weaker attacker's copy, a high price in clean
    /// accuracy.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Caveats { get; init; } =
        new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>
    /// For each defense whose known breaks were not run, their names: its numbers are upper bounds.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> KnownBreaksNotRun { get; init; } =
        new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>
    /// Warnings the reader must see beside the numbers, for example an alarm for masked gradients; may be empty.
    /// </summary>
    public required IReadOnlyList<string> Notes { get; init; }
}
