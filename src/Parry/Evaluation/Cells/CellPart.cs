using System.Text.Json.Serialization;
using Parry.Attacks;

namespace Parry.Evaluation.Cells;

/// <summary>What was measured of one cell on one range of images.</summary>
internal sealed record CellPart
{
    /// <summary>The number of the first image.</summary>
    public required int First { get; init; }

    /// <summary>The attack's norm; null for clean images.</summary>
    public Norm? Norm { get; init; }

    /// <summary>The budgets that the attack was run at; one null for an attack without one.</summary>
    public IReadOnlyList<double?> Epsilons { get; init; } = [null];

    /// <summary>Wall-clock time of the attack, or of the answers to clean images, for each budget.</summary>
    public required IReadOnlyList<double> Seconds { get; init; }

    /// <summary>The names of the detectors whose scores the records hold.</summary>
    public IReadOnlyList<string> Detectors { get; init; } = [];

    /// <summary>What learning to attack took; null where nothing was learned.</summary>
    public AttackTraining? Training { get; init; }

    /// <summary>The pictures of the first images.</summary>
    public IReadOnlyList<GalleryRow> Gallery { get; init; } = [];

    /// <summary>One record for each image.</summary>
    [JsonIgnore]
    public IReadOnlyList<SampleRecord> Samples { get; init; } = [];

    /// <summary>Which clean images are classified correctly.</summary>
    [JsonIgnore]
    public bool[] CleanCorrect => [.. Samples.Select(sample => sample.CleanCorrect)];
}
