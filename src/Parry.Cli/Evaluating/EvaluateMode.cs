using Parry.Evaluation;

namespace Parry.Cli.Evaluating;

/// <summary>How an evaluation runs, which changes none of its numbers.</summary>
internal sealed record EvaluateMode
{
    /// <summary>Whether the results of an earlier run are deleted first, instead of taken over.</summary>
    public bool Fresh { get; init; }

    /// <summary>Whether the report goes to standard output as JSON.</summary>
    public bool Json { get; init; }

    /// <summary>The plan as JSON, which is kept beside the results; null to keep none.</summary>
    public string? Plan { get; init; }

    /// <summary>The share of the images to measure; null for all.</summary>
    public Shard? Shard { get; init; }

    /// <summary>Whether only to have attacks learn that must.</summary>
    public bool OnlyPrepares { get; init; }

    /// <summary>Whether only to collect what others measured.</summary>
    public bool OnlyCollects { get; init; }

    /// <summary>Whether to report although something is missing.</summary>
    public bool Partial { get; init; }
}
