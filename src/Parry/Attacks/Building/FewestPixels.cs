using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// The search of Carlini and Wagner's L0 attack: the L2 attack, allowed to change fewer and fewer pixels. Each time it
/// succeeds, the pixels that matter least are fixed at their clean values, those with the smallest |δ·∂margin|, and it
/// goes on from the image found; when it fails, the constant doubles. Success means that an image and all points around
/// it reach the goal.
/// </summary>
internal sealed record FewestPixels
{
    private const double Factor = 2;
    private const double Enough = 0.01;
    private const double Nearly = 1e-4;
    private const double Matters = 0.01;
    private const double Changed = 1e-4;

    /// <summary>The number of Adam's steps after which c doubles.</summary>
    public required int Iterations { get; init; }

    /// <summary>Adam's learning rate, in tanh space.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The first constant c.</summary>
    public required double InitialConstant { get; init; }

    /// <summary>The constant c at which an image is given up.</summary>
    public required double LargestConstant { get; init; }

    /// <summary>By how much the wrong logit must exceed the others, beyond 0.01.</summary>
    public double Confidence { get; init; }

    /// <summary>
    /// Finds the images of the fewest changed pixels; where none succeeds, those for which most points reach the goal,
    /// or the clean ones where no point does.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The clean images.</param>
    /// <param name="vectors">The vectors to the points around each, [N, points, C, H, W]; the first is zero.</param>
    public Tensor Find(IClassifier model, Batch batch, Tensor vectors)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        long[] rows = Rows.All(batch.Count);
        var best = new BestSoFar(images);
        var around = new Surroundings(batch, vectors);
        Tensor free = ones([batch.Count, 1, images.size(2), images.size(3)]);
        var escalation = new Escalation(batch.Count, InitialConstant, Factor, LargestConstant, Iterations);
        var descent = new TanhDescent(images);
        while (true)
        {
            bool[] leaves = Step();
            long[] stay = Rows.Where(leaves, false);
            if (stay.Length == 0)
                return scope.MoveToOuter(best.Images);
            if (stay.Length == rows.Length)
                continue;
            (batch, rows, free, vectors) = (batch.Select(stay), rows.At(stay), free.At(stay), vectors.At(stay));
            (escalation, descent) = (escalation.Select(stay), descent.Select(stay));
            around = new Surroundings(batch, vectors);
        }

        bool[] Step()
        {
            using var inner = NewDisposeScope();
            Tensor point = where(free > 0, descent.Images, batch.Images);
            Tensor delta = point - batch.Images;
            var (pass, gradients) = around.At(model, point, around.Margin);

            Tensor weights = tensor(escalation.Constants.Select(c => (float)c).ToArray());
            Tensor missing = (Confidence + Enough - pass.Losses.reshape(-1, around.Points)).clamp_min(0.0);
            Tensor loss = (weights * missing.sum([1])) + delta.pow(2.0).SumPerImage();
            Tensor reached = missing < Nearly;
            Tensor reserves = around
                .Reserves(reached)
                .masked_fill(reached.any(1).logical_not(), double.NegativeInfinity);
            bool[] worked = (reserves > 0).ToArray<bool>();
            bool[] failed = escalation.Fails(loss.ToArray<float>(), descent.Steps);
            Tensor wanting = missing.sign().reshape(-1, around.Points, 1, 1, 1);
            Tensor pull = weights.reshape(-1, 1, 1, 1) * around.Sum(wanting * gradients);
            descent.Step(free * ((2 * delta) - pull), LearningRate);

            best.Take(point, reserves, free.SumPerImage(), rows);
            long[] better = Rows.Where(worked, true);
            var empty = new bool[rows.Length];
            foreach (long i in better)
                failed[i] = false;
            if (better.Length > 0)
            {
                Tensor gradient = around.Sum(gradients).At(better);
                Tensor fewer = WithoutLeast(free.At(better), delta.At(better), gradient);
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
