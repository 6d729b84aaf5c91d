using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>One run of an attack: what it attacks, within which limits, and who is told.</summary>
/// <param name="Images">[N, C, H, W] in [0, 1].</param>
/// <param name="Goal">What is wanted of each image.</param>
/// <param name="Seed">Decides every random draw.</param>
public sealed record AttackRun(Tensor Images, Goal Goal, long Seed)
{
    /// <summary>The budgets of a budget attack; null for its own, and for an attack without one.</summary>
    public IReadOnlyList<double>? Epsilons { get; init; }

    /// <summary>Which images to attack; null for those that do not reach the goal by themselves.</summary>
    public IReadOnlyList<bool>? Attacked { get; init; }

    /// <summary>
    /// The number of the first image's sample, on which random draws depend: a part of a set gives what it gives within
    /// the whole.
    /// </summary>
    public long FirstSample { get; init; }

    /// <summary>
    /// Images that attacks which see labels only may begin from where noise does not reach the goal, [M, C, H, W] in
    /// [0, 1]; null for none. Results depend on them, so parts of a set should be given the same.
    /// </summary>
    public Tensor? Starts { get; init; }

    /// <summary>The pixels that may change; null for all.</summary>
    public PixelMask? Mask { get; init; }

    /// <summary>The most passes for each image, and for each budget; null for no limit.</summary>
    public AttackLimits? Limits { get; init; }

    /// <summary>Told the share of the work that is done.</summary>
    public IProgress<double>? Progress { get; init; }

    /// <summary>Stops the run at the next pass of the model.</summary>
    public CancellationToken Cancellation { get; init; }
}
