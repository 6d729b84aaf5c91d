namespace Parry.Evaluation;

/// <summary>
/// How well a defense, used as a detector, separates attacked images from clean ones at every threshold.
/// </summary>
public sealed record RocCurve
{
    /// <summary>The defense whose score detects.</summary>
    public required string Defense { get; init; }

    /// <summary>The attack that made the images to be detected.</summary>
    public required string Attack { get; init; }

    /// <summary>The attack's norm, as in <see cref="EvaluationRow.Norm"/>.</summary>
    public required string? Norm { get; init; }

    /// <summary>The attack's budget; null for an attack without one.</summary>
    public required double? Epsilon { get; init; }

    /// <summary>What the attacker knew of the detector.</summary>
    public required Threat Threat { get; init; }

    /// <summary>The area under the curve, in [0, 1]; 0.5 is chance.</summary>
    public required double Auc { get; init; }

    /// <summary>The curve from (0, 0) to (1, 1), in the order of falling thresholds.</summary>
    public required IReadOnlyList<RocPoint> Points { get; init; }
}

/// <summary>
/// One threshold of a detector: which fraction of clean images (false) and of attacked images (true) it flags.
/// </summary>
/// <param name="Fpr">The false positive rate, in [0, 1].</param>
/// <param name="Tpr">The true positive rate, in [0, 1].</param>
public readonly record struct RocPoint(double Fpr, double Tpr);
