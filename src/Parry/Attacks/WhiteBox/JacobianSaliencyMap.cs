using System.Numerics;
using Parry.Attacks.Catalog;
using Parry.Attacks.Steps;
using Parry.Models;
using Parry.Torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// JSMA, the Jacobian-based saliency map attack (Papernot, McDaniel, Jha, Fredrikson, Celik, Swami, 2015, 1511.07528): again and again it takes the pair of values
/// (p, q) that raises the target's logit and lowers the sum of the others, with the largest product α·(−β) of the two effects, and moves both by θ, until the goal
/// is reached, 14.5 % of the values are changed, or no pair is left. Few values change (L0), each by much. Targeted by nature: an untargeted run aims at the
/// likeliest wrong class, and any wrong class counts. θ = 1; values either all rise, or all fall (the second map of the paper). Deviations: logits in place of
/// probabilities, as the authors' code does; values within 0.01 of the edge of the box count as being there.
/// </summary>
public sealed record JacobianSaliencyMap : IAttack<IClassifier>
{
    private const double Edge = 0.01;

    /// <inheritdoc/>
    public string Name => "jsma";

    /// <inheritdoc/>
    public Norm Norm => Norm.L0;

    /// <summary>θ: by how much a step moves a value.</summary>
    public double Theta { get; init; } = 1;

    /// <summary>Υ: the largest share of the values that may change.</summary>
    public double Gamma { get; init; } = 0.145;

    /// <summary>Whether values fall in place of rising.</summary>
    public bool Decrease { get; init; }

    /// <summary>What the command line knows of it.</summary>
    public static AttackEntry Entry { get; } = new AttackEntry<JacobianSaliencyMap>(new(), "pairs of values with the largest effect on the target, one after the other", "Papernot et al., 2015, 1511.07528")
        .Number("theta", 0, "by how much a step moves a value", attack => attack.Theta, (attack, value) => attack with { Theta = value })
        .Number("gamma", 0, "largest share of the values that may change", attack => attack.Gamma, (attack, value) => attack with { Gamma = value })
        .Flag("decrease", "move values down, not up", attack => attack.Decrease, (attack, value) => attack with { Decrease = value });

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Tensor images, Goal goal, SampleRandom random)
    {
        using var scope = new TensorScope();
        var batch = new AttackBatch<IClassifier>(model, images.Clone(), goal, random);
        long[] rows = Rows.All(batch.Count), targets = [.. RankedClasses.Targets(batch, 1).Select(classes => classes[0])];
        Tensor results = images.Clone(), points = images.Clone(), changed = images.Flatten().ZerosLike();
        double limit = Math.Min(1, Gamma) * changed.Size(1);
        for (int pairs = 1; 2 * pairs <= limit && rows.Length > 0; pairs++)
        {
            bool[] leave = Step();
            if (!leave.Contains(true)) continue;
            long[] stay = Rows.Where(leave, false), gone = Rows.Where(leave, true);
            using (new TensorScope()) results.Put(rows.At(gone), points.At(gone));
            (rows, targets, batch, points) = (rows.At(stay), targets.At(stay), batch.Narrow(stay), points.Narrow(stay));
        }

        if (rows.Length > 0) results.Put(rows, points);
        return scope.Keep(results);

        // Moves a pair of each row that is not done; says which are.
        bool[] Step()
        {
            using var inner = new TensorScope();
            var (reached, raise, lower) = Effects(batch, points, targets);
            Tensor flat = points.Flatten(), blocked = Decrease ? flat.Less(Edge) : flat.Greater(1 - Edge);
            double way = Decrease ? -1 : 1;
            float[] a = raise.Mul(way).MaskedFill(blocked, double.NegativeInfinity).ToArray<float>(), b = lower.Mul(-way).MaskedFill(blocked, double.NegativeInfinity).ToArray<float>();
            var pairs = new long[2 * reached.Length];
            for (int row = 0; row < reached.Length; row++)
            {
                Range values = (row * (int)flat.Size(1))..((row + 1) * (int)flat.Size(1));
                (pairs[2 * row], pairs[(2 * row) + 1], float gain) = BestPair(a.AsSpan(values), b.AsSpan(values));
                reached[row] |= gain == 0;
            }

            Tensor pair = Tensor.From<long>(pairs, reached.Length, 2);
            Tensor moved = flat.Scatter(1, pair, flat.Gather(1, pair).Add(way * Theta).ClampInPlace(0, 1)).Reshape(points.Shape);
            points.CopyInPlace(Tensor.Where(Tensor.From(reached).Reshape(-1, 1, 1, 1), points, moved));
            return reached;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Entry.Describe(this);

    // Which rows reach the goal, and the gradients of the target's logit and of the sum of the others, [N, values].
    private static (bool[] Reached, Tensor Target, Tensor Others) Effects(AttackBatch<IClassifier> batch, Tensor points, long[] targets)
    {
        int count = batch.Count;
        long[] twice = [.. Rows.All(count).SelectMany(row => new[] { row, row })];
        Tensor target = Tensor.From(targets).OneHot(batch.Model.Classes).To(DType.Float32);
        Tensor weights = Tensor.Stack([target, target.SubtractedFrom(1)], 1).Flatten(0, 1);
        LossGradient pass = batch.Model.For(batch.Random.Samples.ToArray().At(twice)).Gradient(points.At(twice), logits => logits.Mul(weights).Sum([1]));
        Tensor gradients = pass.Gradient.Reshape(count, 2, -1);
        return (batch.Goal.IsReached(pass.Logits.Reshape(count, 2, -1).Select(1, 0).ArgMax(1)).ToArray<bool>(), gradients.Select(1, 0), gradients.Select(1, 1));
    }

    /// <summary>
    /// The pair p &lt; q with the largest product (a_p + a_q)(b_p + b_q) of which both factors are positive, the first of equal ones, and that product, zero where
    /// there is no such pair. All pairs are looked at, in vector registers: as a tensor they would take values² numbers for each image.
    /// </summary>
    /// <param name="a">Minus infinity for values that may not be taken.</param>
    /// <param name="b">Minus infinity for values that may not be taken.</param>
    internal static (long First, long Second, float Gain) BestPair(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        (int First, int Second, float Gain) best = default;
        for (int p = 0; p < a.Length; p++)
        {
            if (float.IsNegativeInfinity(a[p])) continue;
            Vector<float> pa = new(a[p]), pb = new(b[p]), most = Vector<float>.Zero;
            int q = p + 1;
            for (; q <= a.Length - Vector<float>.Count; q += Vector<float>.Count)
                most = Vector.Max(most, Vector.Max(pa + new Vector<float>(a[q..]), Vector<float>.Zero) * Vector.Max(pb + new Vector<float>(b[q..]), Vector<float>.Zero));
            int from = Vector.GreaterThanAny(most, new Vector<float>(best.Gain)) ? p + 1 : q;
            for (q = from; q < a.Length; q++)
            {
                float gain = Math.Max(a[p] + a[q], 0) * Math.Max(b[p] + b[q], 0);
                if (gain > best.Gain) best = (p, q, gain);
            }
        }

        return best;
    }
}
