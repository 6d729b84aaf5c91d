namespace Parry.Evaluation;

/// <summary>What an evaluation found.</summary>
/// <param name="Rows">One per attack, budget, defense and threat.</param>
/// <param name="Rocs">How well each defense detects attacked images.</param>
/// <param name="Gallery">Pictures of single images.</param>
/// <param name="Times">How long the bare classifier and each defense take for an image.</param>
/// <param name="Notes">What attacks learned from before they attacked, what that took, and what was left out.</param>
/// <param name="Warnings">Signs that an attack was weaker than it could be.</param>
public sealed record EvaluationFindings(
    IReadOnlyList<EvaluationRow> Rows,
    IReadOnlyList<RocCurve> Rocs,
    IReadOnlyList<GalleryRow> Gallery,
    IReadOnlyList<AnswerTime> Times,
    IReadOnlyList<string> Notes,
    IReadOnlyList<string> Warnings
)
{
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
    /// Why a model served over HTTP failed on the way, so that results are missing; null if everything was measured.
    /// </summary>
    public string? Failure { get; init; }
}
