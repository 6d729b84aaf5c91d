namespace Parry.Tests.Snapshots;

/// <summary>
/// How far an attack's results may be from the recorded ones. Which attacks need looser rules was measured with
/// PARRY_SHAKE_SNAPSHOTS at -2, -1, 1, 2 and 3.
/// </summary>
internal sealed record AttackRules
{
    // By text, or by what the text begins with, with the first that fits; all others are steady.
    private static readonly (string Start, AttackRules Rules)[] s_others;

    static AttackRules()
    {
        // Path and success depend on last bits: comparisons of nearly equal numbers (hsj, simba), estimates of slopes
        // from tiny differences, divided by their curvature
        // (zoo, autozoom), hundreds of steps of Adam about a kink (stadv, rp2), a network trained against another one
        // (advgan). Images are judged together.
        var chaotic = new AttackRules
        {
            Successes = SnapshotRule.Mean(0.26, 0),
            L0 = SnapshotRule.Median(0.3),
            Distances = SnapshotRule.Median(0.25),
            Passes = SnapshotRule.Mean(0, 0.25),
            Margins = SnapshotRule.Noted,
        };

        // The sign of a gradient that is nearly 0 turns a whole step (bim, pgd and their kin), or an optimizer's many
        // steps add up small differences.
        var rough = new AttackRules
        {
            Successes = new VerdictRule(0.05),
            L0 = SnapshotRule.Close(1, 0.05),
            Distances = SnapshotRule.Close(1e-4, 0.03),
            Margins = SnapshotRule.Close(0.05, 0.05),
        };

        // The results are steady, but when to stop depends on comparisons; branch and bound may go elsewhere.
        var stopping = new AttackRules { Passes = SnapshotRule.Close(1, 0.1) };

        // Its line searches end where float32 sees no progress any more.
        var searching = new AttackRules
        {
            Successes = new VerdictRule(0.05),
            L0 = SnapshotRule.Close(1, 0.05),
            Distances = SnapshotRule.Close(1e-4, 0.1),
            Passes = SnapshotRule.Mean(0, 0.5),
            Margins = SnapshotRule.Close(0.1, 0.1),
        };
        s_others =
        [
            ("hsj:steps=3,queries=20,norm=linf", chaotic),
            ("sign-opt", chaotic),
            ("surfree", chaotic),
            ("geoda", chaotic),
            ("rp2", chaotic),
            // Newton steps on single pixels: which of them change at all is decided by noise.
            ("zoo", chaotic with { L0 = SnapshotRule.Median(0.4) }),
            ("autozoom", chaotic),
            ("simba:step", chaotic),
            // Which values go back to the clean image at once is a comparison of nearly equal numbers.
            ("brendel-bethge:norm=l0", chaotic),
            ("stadv", chaotic),
            ("advgan", chaotic with { Successes = SnapshotRule.Mean(0.5, 0) }),
            ("hsj", rough),
            ("rays", rough),
            ("boundary", rough),
            ("bim", rough),
            ("ilcm", rough),
            ("mi-fgsm", rough),
            ("pgd", rough),
            ("apgd", rough),
            ("autoattack", rough),
            ("houdini", rough),
            ("fmn", rough),
            ("sigma-zero", rough),
            // It passes the boundary again and again, and keeps the nearest point beyond.
            ("alma", rough with { Distances = SnapshotRule.Close(1e-3, 0.2) }),
            ("pdpgd", rough),
            ("brendel-bethge", rough),
            ("uan", rough),
            ("upset", rough),
            ("angri", rough),
            ("atn", rough),
            // Images are made on a network that was trained a moment before; processors differ in its last bits.
            ("substitute", rough with { Margins = SnapshotRule.Close(0.1, 0.1) }),
            ("lbfgs", searching),
            ("ground-truth", stopping with { Passes = SnapshotRule.Close(1, 0.25) }),
            ("cw-l0", stopping),
            ("cw-linf", stopping),
            ("optmargin:norm=l0", stopping),
        ];
    }

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
    public static AttackRules Of(string text) =>
        s_others.FirstOrDefault(other => text.StartsWith(other.Start, StringComparison.Ordinal)).Rules
        ?? new AttackRules();
}
