using Parry.Attacks;
using Parry.Evaluation;

namespace Parry.Cli.Evaluating;

/// <summary>A request for an evaluation, as <c>parry evaluate</c> reads it.</summary>
internal sealed record EvaluateRequest
{
    /// <summary>The classifier.</summary>
    public required ModelRequest Model { get; init; }

    /// <summary>The images.</summary>
    public required DataRequest Data { get; init; }

    /// <summary>The folder in which to look for data first.</summary>
    public string? DataDir { get; init; }

    /// <summary>Attacks as <c>NAME:key=value,…</c>.</summary>
    public required IReadOnlyList<string> Attacks { get; init; }

    /// <summary>Defenses as <c>NAME:key=value,…</c>; the undefended model is always measured too.</summary>
    public required IReadOnlyList<string> Defenses { get; init; }

    /// <summary>
    /// The substitute on which attacks on the undefended classifier are crafted; null for the classifier itself.
    /// </summary>
    public string? From { get; init; }

    /// <summary>How many test images, starting with the first.</summary>
    public required int Count { get; init; }

    /// <summary>
    /// Whether the images are validation images (the last 10,000 training images) instead of test images.
    /// </summary>
    public bool Validation { get; init; }

    /// <summary>Whether the attacks known to break the defenses run too.</summary>
    public bool KnownBreaks { get; init; } = true;

    /// <summary>Whether attackers who know the defenses attack too.</summary>
    public bool AwareAttackers { get; init; } = true;

    /// <summary>Whether attackers who know the defender's random seed attack too.</summary>
    public bool Revisited { get; init; }

    /// <summary>How random defenses are judged.</summary>
    public DrawRule DrawRule { get; init; } = DrawRule.Mean;

    /// <summary>The largest number of passes for each image and budget; null for no limit.</summary>
    public AttackLimits? Limits { get; init; }

    /// <summary>The seed of every random draw.</summary>
    public required long Seed { get; init; }

    /// <summary>The command line as given, for the report.</summary>
    public required string Command { get; init; }
}
