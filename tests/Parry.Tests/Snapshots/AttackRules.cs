namespace Parry.Tests.Snapshots;

/// <summary>How far an attack's results may be from the recorded ones.</summary>
internal sealed record AttackRules
{
    /// <summary>For 1 or 0 by image.</summary>
    public SnapshotRule Successes { get; init; } = new VerdictRule(2e-3);

    /// <summary>For the counts of changed values: a change of a last bit may count.</summary>
    public SnapshotRule L0 { get; init; } = SnapshotRule.Close(1, 0.02);

    /// <summary>For L1, L2 and Linf.</summary>
    public SnapshotRule Distances { get; init; } = SnapshotRule.Close(1e-5, 1e-3);

    /// <summary>For queries and gradients.</summary>
    public SnapshotRule Passes { get; init; } = SnapshotRule.Exact;

    /// <summary>For margins.</summary>
    public SnapshotRule Margins { get; init; } = SnapshotRule.Close(2e-3, 1e-2);

    /// <summary>The rules of an attack, by its text.</summary>
    public static AttackRules Of(string text) => new();
}
