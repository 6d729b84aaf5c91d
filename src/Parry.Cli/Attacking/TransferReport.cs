using Parry.Evaluation;

namespace Parry.Cli.Attacking;

/// <summary>What <c>parry transfer --json</c> writes: how often images made on some models fool others.</summary>
/// <param name="Data">The images.</param>
/// <param name="Count">The images: those that all models classify correctly.</param>
/// <param name="LeftOut">Images that some model does not classify correctly.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Cells">One for each attack, budget, surrogate and target.</param>
/// <param name="Note">What the reader must know about the images; null for nothing.</param>
internal sealed record TransferReport(
    string Data,
    int Count,
    int LeftOut,
    long Seed,
    IReadOnlyList<TransferCell> Cells,
    string? Note
);

/// <summary>How often an attack on a surrogate fools a target.</summary>
/// <param name="Attack">The attack with its options, as text that can be given again.</param>
/// <param name="Norm">The norm it bounds or minimizes.</param>
/// <param name="Epsilon">The budget; null for an attack that searches for the smallest change.</param>
/// <param name="From">The surrogate, or several joined by +.</param>
/// <param name="To">The target.</param>
/// <param name="Known">Whether the target is among the surrogates.</param>
/// <param name="Attacked">Images that were attacked.</param>
/// <param name="Succeeded">Those that fool the target.</param>
internal sealed record TransferCell(
    string Attack,
    string Norm,
    double? Epsilon,
    string From,
    string To,
    bool Known,
    int Attacked,
    int Succeeded
)
{
    /// <summary>The share of attacked images that fool the target; null if none was attacked.</summary>
    public double? SuccessRate => Attacked == 0 ? null : (double)Succeeded / Attacked;

    /// <summary>The lower end of its 95 % Wilson interval.</summary>
    public double? SuccessLow => Attacked == 0 ? null : WilsonInterval.Of(Succeeded, Attacked).Low;

    /// <summary>The upper end of its 95 % Wilson interval.</summary>
    public double? SuccessHigh => Attacked == 0 ? null : WilsonInterval.Of(Succeeded, Attacked).High;
}
