using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// The L0 attack of Carlini and Wagner (2016, 1608.04644): the L2 attack, allowed to change fewer and fewer pixels.
/// Each time it succeeds, the pixels that matter least are fixed at their clean values, those with the smallest
/// |δ·∂margin|, and it goes on from the image found; when it fails, c doubles, up to 2e6. It returns the last success.
/// Untargeted or targeted. As in the authors' code: c starts at 1e-3 and is kept; a descent, of at most 1,000
/// iterations at a learning rate of 0.01, stops at its first success, a margin of 0.01; at most 0.3·√(changed pixels)
/// pixels are fixed at a time, and none after one whose product exceeds 0.01. The channels of a pixel are fixed
/// together. Every image goes its own way and leaves by itself. Deviations: the products take the gradient of the
/// margin alone, as in the paper; a descent whose loss no longer falls by 0.01 % over a tenth of the iterations counts
/// as failed, and the next one, with the larger c, goes on from where it stands.
/// </summary>
public sealed record CarliniWagnerL0 : IAttack<IClassifier>
{
    /// <inheritdoc/>
    public string Name => "cw-l0";

    /// <inheritdoc/>
    public Norm Norm => Norm.L0;

    /// <summary>The number of Adam's steps after which c doubles.</summary>
    [Option("iterations", "steps of Adam after which c doubles", Min = 1)]
    public int Iterations { get; init; } = 1000;

    /// <summary>Adam's learning rate, in the space of w.</summary>
    [Option("lr", "Adam's learning rate")]
    public double LearningRate { get; init; } = 0.01;

    /// <summary>The first constant c.</summary>
    [Option("c", "the first constant")]
    public double InitialConstant { get; init; } = 1e-3;

    /// <summary>The constant c at which an image is given up.</summary>
    [Option("largest-c", "the constant at which an image is given up")]
    public double LargestConstant { get; init; } = 2e6;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch) =>
        new FewestPixels
        {
            Iterations = Iterations,
            LearningRate = LearningRate,
            InitialConstant = InitialConstant,
            LargestConstant = LargestConstant,
        }.Find(model, batch, zeros_like(batch.Images).unsqueeze(1));
}
