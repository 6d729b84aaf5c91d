using Parry.Catalogs;

namespace Parry.Cli.Bench;

/// <summary>The cost of one attack.</summary>
/// <param name="Name">The attack with the settings that were measured.</param>
/// <param name="Knowledge">What it sees of the model.</param>
/// <param name="Images">How many images it ran on.</param>
/// <param name="ImagesPerSecond">On all workers.</param>
/// <param name="Gradients">Backward passes per image.</param>
/// <param name="Queries">Forward passes per image.</param>
/// <param name="Ratio">The time of the attack over the time of its model's calls within it, on the same
/// workers.</param>
/// <param name="Bound">What the ratio must not exceed; null for attacks that make no model calls worth the
/// name.</param>
/// <param name="Batching">Images per second over those of the same attack fed one image at a time; null where that is
/// not asked.</param>
/// <param name="Holds">Whether the ratio keeps its bound, and batching brings at least three times the speed where that
/// is asked.</param>
/// <param name="Command">The command that prints this row.</param>
internal sealed record AttackBenchRow(
    string Name,
    string Knowledge,
    int Images,
    double ImagesPerSecond,
    double Gradients,
    double Queries,
    double Ratio,
    double? Bound,
    double? Batching,
    bool? Holds,
    string Command
);
