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

    /// <summary>Frees the images.</summary>
    public void Dispose()
    {
        Images.Dispose();
        Attempts.Dispose();
    }
}
