using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>What an attack did to each image. It owns the images.</summary>
public sealed class AttackResult : IDisposable
{
    /// <summary>The attack's command-line name.</summary>
    public required string Attack { get; init; }

    /// <summary>The norm that the attack bounds or minimizes.</summary>
    public required Norm Norm { get; init; }

    /// <summary>The budget; null for an attack that minimizes.</summary>
    public required double? Epsilon { get; init; }

    /// <summary>
    /// The adversarial images, [N, C, H, W] in [0, 1]; the clean image where the attack failed or had nothing to do.
    /// </summary>
    public required Tensor Images { get; init; }

    /// <summary>
    /// What the attack tried, success or not, [N, C, H, W]: what it hands to a defense that it does not know. The clean
    /// image where it had nothing to do.
    /// </summary>
    public required Tensor Attempts { get; init; }

    /// <summary>Which images had to be attacked: those that did not reach the goal by themselves.</summary>
    public required bool[] Attacked { get; init; }

    /// <summary>Which attacked images reached the goal.</summary>
    public required bool[] Succeeded { get; init; }

    /// <summary>Changed values of each image.</summary>
    public required float[] L0 { get; init; }

    /// <summary>Sum of absolute changes of each image.</summary>
    public required float[] L1 { get; init; }

    /// <summary>Euclidean length of each perturbation.</summary>
    public required float[] L2 { get; init; }

    /// <summary>Largest change of each image.</summary>
    public required float[] Linf { get; init; }

    /// <summary>
    /// Forward passes spent on each image, as metered; a run over several budgets is shared out evenly among them.
    /// </summary>
    public required double[] Queries { get; init; }

    /// <summary>Backward passes spent on each image, as metered; shared out like the queries.</summary>
    public required double[] Gradients { get; init; }

    /// <summary>Wall-clock time, shared out like the queries.</summary>
    public required double Seconds { get; init; }

    /// <summary>The sizes of the perturbations in a norm.</summary>
    public float[] Distances(Norm norm) =>
        norm switch
        {
            Norm.L0 => L0,
            Norm.L1 => L1,
            Norm.L2 => L2,
            _ => Linf,
        };

    /// <summary>
    /// The result of trying again what failed: it takes over the images that succeeded only then, and counts the cost
    /// of both.
    /// </summary>
    /// <param name="again">The second try, which this frees with the first.</param>
    internal AttackResult OrElse(AttackResult again)
    {
        using AttackResult first = this;
        using AttackResult second = again;
        bool[] taken = [.. Succeeded.Zip(again.Succeeded, (before, after) => after && !before)];
        using Tensor choice = tensor(taken).reshape(-1, 1, 1, 1);
        return new AttackResult
        {
            Attack = Attack,
            Norm = Norm,
            Epsilon = Epsilon,
            Images = where(choice, again.Images, Images),
            Attempts = where(choice, again.Attempts, Attempts),
            Attacked = Attacked,
            Succeeded = [.. Succeeded.Zip(taken, (before, after) => before || after)],
            L0 = Choose(L0, again.L0),
            L1 = Choose(L1, again.L1),
            L2 = Choose(L2, again.L2),
            Linf = Choose(Linf, again.Linf),
            Queries = [.. Queries.Zip(again.Queries, (a, b) => a + b)],
            Gradients = [.. Gradients.Zip(again.Gradients, (a, b) => a + b)],
            Seconds = Seconds + again.Seconds,
        };

        float[] Choose(float[] before, float[] after) => [.. before.Select((value, i) => taken[i] ? after[i] : value)];
    }

    /// <summary>Frees the images.</summary>
    public void Dispose()
    {
        Images.Dispose();
        Attempts.Dispose();
    }
}
