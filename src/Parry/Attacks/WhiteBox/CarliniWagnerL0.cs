using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
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
    private const double Factor = 2;
    private const double Enough = 0.01;
    private const double Nearly = 1e-4;
    private const double Matters = 0.01;
    private const double Changed = 1e-4;

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
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        long[] rows = Rows.All(batch.Count);
        Tensor results = images.clone();
        Tensor free = ones([batch.Count, 1, images.size(2), images.size(3)]);
        var escalation = new Escalation(batch.Count, InitialConstant, Factor, LargestConstant, Iterations);
        var descent = new TanhDescent(images);
        while (true)
        {
            bool[] leaves = Step();
            long[] stay = Rows.Where(leaves, false);
            if (stay.Length == 0)
                return scope.MoveToOuter(results);
            if (stay.Length == rows.Length)
                continue;
            (batch, rows, free) = (batch.Select(stay), rows.At(stay), free.At(stay));
            (escalation, descent) = (escalation.Select(stay), descent.Select(stay));
        }

        bool[] Step()
        {
            using var inner = NewDisposeScope();
            Tensor point = where(free > 0, descent.Images, batch.Images);
            Tensor delta = point - batch.Images;
            LossGradient pass = model.Gradient(batch.With(point), AttackLoss.Margin(batch.Goal));

            Tensor weights = tensor(escalation.Constants.Select(c => (float)c).ToArray());
            Tensor missing = (Enough - pass.Losses).clamp_min(0.0);
            Tensor loss = (weights * missing) + delta.pow(2.0).SumPerImage();
            bool[] worked = (missing < Nearly).ToArray<bool>();
            bool[] failed = escalation.Fails(loss.ToArray<float>(), descent.Steps);
            Tensor pull = (weights * missing.sign()).reshape(-1, 1, 1, 1);
            descent.Step(free * ((2 * delta) - (pull * pass.Gradient)), LearningRate);

            long[] better = Rows.Where(worked, true);
            var empty = new bool[rows.Length];
            foreach (long i in better)
                failed[i] = false;
            if (better.Length > 0)
            {
                results.Put(rows.At(better), point.At(better));
                Tensor fewer = WithoutLeast(free.At(better), delta.At(better), pass.Gradient.At(better));
                free.Put(better, fewer);
                float[] left = fewer.SumPerImage().ToArray<float>();
                for (int i = 0; i < left.Length; i++)
                    empty[better[i]] = left[i] == 0;
            }

            bool[] exhausted = escalation.Raise(failed);
            long[] again = Rows.Where([.. worked.Zip(failed, (success, failure) => success || failure)], true);
            descent.Restart(again, point.At(again));
            return [.. exhausted.Zip(empty, (over, none) => over || none)];
        }
    }

    // The free pixels [n, 1, H, W] without those that matter least.
    private static Tensor WithoutLeast(Tensor free, Tensor delta, Tensor gradient)
    {
        long[] channels = [1];
        Tensor changed = (delta.abs().amax(channels) > Changed).sum([1, 2], false, ScalarType.Float32);
        int[] limits = [.. changed.ToArray<float>().Select(count => Math.Max(1, (int)(0.3 * Math.Sqrt(count))))];
        Tensor effects = (delta * gradient).abs().sum(channels, true);
        Tensor freeEffects = effects.masked_fill(free == 0, double.PositiveInfinity).flatten(1);
        long most = Math.Min(limits.Max(), freeEffects.size(1));
        var (least, pixels) = freeEffects.topk((int)most, -1, largest: false);
        float[] sizes = least.ToArray<float>();
        float[] kept = new float[sizes.Length];
        for (int row = 0; row < limits.Length; row++)
        {
            bool stopped = false;
            for (int j = 0; j < most; j++)
            {
                stopped |= j >= limits[row] || float.IsInfinity(sizes[(row * most) + j]);
                kept[(row * most) + j] = stopped && !float.IsInfinity(sizes[(row * most) + j]) ? 1 : 0;
                stopped |= sizes[(row * most) + j] > Matters;
            }
        }

        return free.flatten(1).scatter(1, pixels, tensor(kept, [limits.Length, most])).reshape(free.shape);
    }
}
