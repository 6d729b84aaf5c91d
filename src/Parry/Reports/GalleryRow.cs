namespace Parry.Reports;

/// <summary>Some images on their way through one attack and one defense, shown side by side.</summary>
public sealed record GalleryRow
{
    /// <summary>The attack, as in <see cref="EvaluationRow.Attack"/>.</summary>
    public required string Attack { get; init; }

    /// <summary>The attack's norm.</summary>
    public required string? Norm { get; init; }

    /// <summary>The attack's budget; null for an attack without one.</summary>
    public required double? Epsilon { get; init; }

    /// <summary>The defense that purified the images; <see cref="EvaluationRow.Nothing"/> for none.</summary>
    public required string Defense { get; init; }

    /// <summary>What the attacker knew of the defense.</summary>
    public required Threat Threat { get; init; }

    /// <summary>By how much the perturbation's picture is amplified, for example 5.</summary>
    public required double Amplification { get; init; }

    /// <summary>The images.</summary>
    public required IReadOnlyList<GalleryImage> Images { get; init; }
}
