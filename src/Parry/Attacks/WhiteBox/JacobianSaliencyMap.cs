using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// JSMA, the Jacobian-based saliency map attack (Papernot, McDaniel, Jha, Fredrikson, Celik, Swami, 2015, 1511.07528):
/// again and again it takes the pair of values (p, q) that raises the target's logit and lowers the sum of the others,
/// with the largest product α·(−β) of the two effects, and moves both by θ, until the goal is reached, 14.5 % of the
/// values are changed, or no pair is left. Few values change (L0), each by much. Targeted by nature: an untargeted run
/// aims at the likeliest wrong class, and any wrong class counts. θ = 1; values either all rise, or all fall (the
/// second map of the paper). Deviations: logits in place of probabilities, as the authors' code does; values within
/// 0.01 of the edge of the box count as being there.
/// </summary>
public sealed record JacobianSaliencyMap : IAttack<IClassifier>
{
    private const double Edge = 0.01;

    /// <inheritdoc/>
    public string Name => "jsma";

    /// <inheritdoc/>
    public Norm Norm => Norm.L0;

    /// <summary>θ: by how much a step moves a value.</summary>
    [Option("theta", "by how much a step moves a value")]
    public double Theta { get; init; } = 1;

    /// <summary>Υ: the largest share of the values that may change.</summary>
    [Option("gamma", "largest share of the values that may change")]
    public double Gamma { get; init; } = 0.145;

    /// <summary>Whether values fall in place of rising.</summary>
    [Option("decrease", "move values down, not up")]
    public bool Decrease { get; init; }

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        batch = batch.WithImages(images.clone());
        long[] rows = Rows.All(batch.Count);
        Tensor targets = tensor(RankedClasses.Targets(model, batch, 1).Select(classes => classes[0]).ToArray());
        Tensor target = nn.functional.one_hot(targets, model.Classes).to(ScalarType.Float32);

        // A step raises the target's logit and lowers the sum of the others; where values fall it goes against their
        // gradients.
        double way = Decrease ? -1 : 1;
        Tensor wanted = way * stack([target, target - 1], 1);
        Tensor results = images.clone();
        Tensor points = images.clone();
        int values = (int)(images.numel() / images.size(0));
        for (int pairs = 1; 2 * pairs <= Math.Min(1, Gamma) * values && rows.Length > 0; pairs++)
        {
            bool[] leave = Step();
            if (!leave.Contains(true))
                continue;
            long[] stay = Rows.Where(leave, false);
            long[] gone = Rows.Where(leave, true);
            using (NewDisposeScope())
                results.Put(rows.At(gone), points.At(gone));
            (rows, batch) = (rows.At(stay), batch.Narrow(stay));
            (wanted, points) = (wanted.Narrow(stay), points.Narrow(stay));
        }

        if (rows.Length > 0)
            results.Put(rows, points);
        return scope.MoveToOuter(results);

        // Moves a pair of each row that is not done; says which are.
        bool[] Step()
        {
            using var inner = NewDisposeScope();
            Jacobian pass = model.Jacobian(batch.With(points), 2, logits => (logits.unsqueeze(1) * wanted).sum(dim: 2));
            bool[] done = batch.Goal.IsReachedBy(pass.Logits).ToArray<bool>();
            Tensor flat = points.flatten(1);
            Tensor blocked = Decrease ? flat < Edge : flat > 1 - Edge;
            float[] effects = pass
                .Gradients.flatten(2)
                .masked_fill(blocked.unsqueeze(1), double.NegativeInfinity)
                .ToArray<float>();
            var pairs = new long[2 * rows.Length];
            for (int row = 0; row < rows.Length; row++)
            {
                (pairs[2 * row], pairs[(2 * row) + 1], float gain) = BestPair(
                    effects.AsSpan(2 * row * values, values),
                    effects.AsSpan(((2 * row) + 1) * values, values)
                );
                done[row] |= gain == 0;
            }

            Tensor pair = tensor(pairs, [rows.Length, 2]);
            Tensor moved = flat.scatter(1, pair, (flat.gather(1, pair) + (way * Theta)).clamp(0.0, 1.0));
            points.copy_(where(tensor(done).reshape(-1, 1, 1, 1), points, moved.reshape(points.shape)));
            return done;
        }
    }

    /// <summary>
    /// The pair p &lt; q with the largest product (a_p + a_q)(b_p + b_q) of which both factors are positive, the first
    /// of equal ones, and that product, zero where there is no such pair. Values that could not gain as much as the
    /// pairs of one promising value do, even beside the largest effects of all, are left out, which leaves a few dozen:
    /// as a tensor all pairs would take values² numbers for each image.
    /// </summary>
    /// <param name="a">Minus infinity for values that may not be taken.</param>
    /// <param name="b">Minus infinity for values that may not be taken.</param>
    internal static (long First, long Second, float Gain) BestPair(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        float[] most = Most(a, b);
        int promising = most.AsSpan().IndexOf(most.Max());
        float bar = 0;
        for (int q = 0; q < a.Length; q++)
        {
            if (q != promising)
                bar = Math.Max(bar, Gain(a[promising], a[q], b[promising], b[q]));
        }

        int count = 0;
        var left = new int[a.Length];
        for (int p = 0; p < a.Length; p++)
        {
            if (most[p] >= bar && !float.IsNegativeInfinity(a[p]))
                left[count++] = p;
        }

        (int First, int Second, float Gain) best = default;
        for (int i = 0; i < count; i++)
        {
            int p = left[i];
            for (int j = i + 1; j < count; j++)
            {
                float gain = Gain(a[p], a[left[j]], b[p], b[left[j]]);
                if (gain > best.Gain)
                    best = (p, left[j], gain);
            }
        }

        return best;
    }

    // What each value would gain beside the largest effects of all.
    private static float[] Most(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        float largestA = float.NegativeInfinity;
        float largestB = float.NegativeInfinity;
        var most = new float[a.Length];
        for (int p = 0; p < a.Length; p++)
            (largestA, largestB) = (Math.Max(largestA, a[p]), Math.Max(largestB, b[p]));
        for (int p = 0; p < a.Length; p++)
            most[p] = Gain(a[p], largestA, b[p], largestB);
        return most;
    }

    private static float Gain(float a, float otherA, float b, float otherB) =>
        Math.Max(a + otherA, 0) * Math.Max(b + otherB, 0);
}
