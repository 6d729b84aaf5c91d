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
/// probabilities, as the authors' code does; pairs are formed among those values whose bound on the product is largest, at most 512, which
/// is exact unless more come near; values within 0.01 of the edge of the box count as being there.
/// </summary>
public sealed record JacobianSaliencyMap : IAttack<IClassifier>
{
    private const long FirstCandidates = 32, MostCandidates = 512;
    private const double Smallest = 1e-12, Edge = 0.01;

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
            var (pair, gain) = BestPair(raise.Mul(way).MaskedFill(blocked, double.NegativeInfinity), lower.Mul(-way).MaskedFill(blocked, double.NegativeInfinity));
            bool[] done = reached.Or(gain.LessOrEqual(0)).ToArray<bool>();
            Tensor moved = flat.Scatter(1, pair, flat.Gather(1, pair).Add(way * Theta).ClampInPlace(0, 1)).Reshape(points.Shape);
            points.CopyInPlace(Tensor.Where(Tensor.From(done).Reshape(-1, 1, 1, 1), points, moved));
            return done;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Entry.Describe(this);

    // Which rows reach the goal, and the gradients of the target's logit and of the sum of the others, [N, values].
    private static (Tensor Reached, Tensor Target, Tensor Others) Effects(AttackBatch<IClassifier> batch, Tensor points, long[] targets)
    {
        int count = batch.Count;
        long[] twice = [.. Rows.All(count).SelectMany(row => new[] { row, row })];
        Tensor target = Tensor.From(targets).OneHot(batch.Model.Classes).To(DType.Float32);
        Tensor weights = Tensor.Stack([target, target.SubtractedFrom(1)], 1).Flatten(0, 1);
        LossGradient pass = batch.Model.For(batch.Random.Samples.ToArray().At(twice)).Gradient(points.At(twice), logits => logits.Mul(weights).Sum([1]));
        Tensor gradients = pass.Gradient.Reshape(count, 2, -1);
        return (batch.Goal.IsReached(pass.Logits.Reshape(count, 2, -1).Select(1, 0).ArgMax(1)), gradients.Select(1, 0), gradients.Select(1, 1));
    }

    /// <summary>
    /// The pair p ≠ q of each row with the largest product (a_p + a_q)(b_p + b_q) of which both factors are positive, [N, 2], and that product, zero where there is
    /// no such pair, [N].
    /// </summary>
    /// <param name="a">[N, values]; minus infinity for values that may not be taken.</param>
    /// <param name="b">[N, values]; minus infinity for values that may not be taken.</param>
    internal static (Tensor Pair, Tensor Gain) BestPair(Tensor a, Tensor b)
    {
        // No pair with p has a larger product than p would have with the largest a and the largest b; nor, as (x + y)² ≥ 4xy, one larger than
        // ((s_p + max s)/2)² with s = a/t + b·t, at any t. The second bound is close at the t of the best pair.
        long values = a.Size(1), most = Math.Min(values, MostCandidates);
        long[] open = Rows.All(a.Size(0));
        Tensor pairs = Tensor.Zeros([open.Length, 2], DType.Int64), gains = Tensor.Zeros([open.Length]);
        Tensor largestA = a.Amax([1], keep: true), largestB = b.Amax([1], keep: true);
        Tensor bounds = Positive(a.Add(largestA)).MulInPlace(Positive(b.Add(largestB))).Minimum(Tangent(largestA, largestB));
        for (long count = Math.Min(FirstCandidates, most); ; count = Math.Min(2 * count, most))
        {
            var (bound, places) = bounds.TopK(Math.Min(count + 1, values));
            Tensor few = places.Slice(1, 0, count), fewA = a.Gather(1, few), fewB = b.Gather(1, few);
            Tensor products = Positive(fewA.Unsqueeze(1).Add(fewA.Unsqueeze(2))).MulInPlace(Positive(fewB.Unsqueeze(1).Add(fewB.Unsqueeze(2))));
            Tensor itself = Tensor.Range(count).OneHot(count).To(DType.Float32);
            Tensor flat = products.MulInPlace(itself.SubtractedFrom(1)).Flatten(), best = flat.ArgMax(1, keep: true), gain = flat.Gather(1, best);
            Tensor first = best.Div(count).Floor().To(DType.Int64), second = best.Sub(first.Mul(count)).To(DType.Int64), pair = Tensor.Cat([first, second], 1);
            pairs.Put(open, few.Gather(1, pair));
            gains.Put(open, gain.Squeeze(1));

            // Rows where more values come near go on, with closer bounds and more candidates.
            long[] stay = count == most ? [] : Rows.Where(bound.Slice(1, count, count + 1).Greater(gain).ToArray<bool>(), true);
            if (stay.Length == 0) return (pairs, gains);
            bounds = bounds.Minimum(Tangent(fewA.Gather(1, pair).Sum([1], keep: true), fewB.Gather(1, pair).Sum([1], keep: true))).At(stay);
            (open, a, b) = (open.At(stay), a.At(stay), b.At(stay));
        }

        Tensor Tangent(Tensor sumA, Tensor sumB)
        {
            Tensor t = sumA.ClampMin(Smallest).Div(sumB.ClampMin(Smallest)).Sqrt(), s = a.Div(t).AddInPlace(b.Mul(t)), half = Positive(s.Add(s.Amax([1], keep: true))).MulInPlace(0.5);
            return half.Mul(half).MulInPlace(1 + 1e-5);
        }
    }

    private static Tensor Positive(Tensor numbers) => numbers.ClampMin(0);
}
