using Parry.Attacks.Catalog;
using Parry.Attacks.Steps;
using Parry.Models;
using Parry.Torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// DeepFool (Moosavi-Dezfooli, Fawzi, Frossard, 2015, 1511.04599): takes the logits for linear, steps onto the nearest boundary with another class, and
/// does so again until the image crosses it; the sum of the steps is stretched by an overshoot of 0.02. Smallest L2, Linf or L1. The rivals are the 9 other
/// classes with the largest logits of the clean image (the paper's 10 classes), at most 50 steps. As in the authors' code a step is longer by 1e-4, and the
/// stretched image is clipped to the box. Deviations: in L1 the step is the smallest one within the box, over as many pixels as it takes, largest
/// gradients first, where the paper's changes one pixel without end; a targeted run, which the paper does not have, steps onto the farthest of the boundaries
/// between the target and the rivals.
/// </summary>
public sealed record DeepFool : IAttack<IClassifier>
{
    private const double Further = 1e-4;
    private const double Smallest = 1e-8;
    private static readonly long[] s_image = [1, 2, 3];

    /// <inheritdoc/>
    public string Name => "deepfool";

    /// <summary>L2, Linf or L1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    public Norm Norm
    {
        get;
        init => field = value != Norm.L0 ? value : throw new ArgumentOutOfRangeException(nameof(value), $"DeepFool works in L2, Linf and L1, not in {value}.");
    } = Norm.L2;

    /// <summary>The number of steps after which an image is given up.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>By what share the sum of the steps is stretched.</summary>
    public double Overshoot { get; init; } = 0.02;

    /// <summary>The number of classes that are considered, the image's own among them.</summary>
    public int Candidates { get; init; } = 10;

    /// <summary>What the command line knows of it.</summary>
    public static AttackEntry Entry { get; } = new AttackEntry<DeepFool>(new(), "steps onto the nearest boundary of the linearized model", "Moosavi-Dezfooli, Fawzi, Frossard, 2015, 1511.04599")
        .Norms([Norm.L2, Norm.Linf, Norm.L1], attack => attack.Norm, (attack, value) => attack with { Norm = value })
        .Whole("steps", 1, "steps after which an image is given up", attack => attack.Steps, (attack, value) => attack with { Steps = value })
        .Number("overshoot", 0, "by what share the perturbation is stretched", attack => attack.Overshoot, (attack, value) => attack with { Overshoot = value })
        .Whole("candidates", 2, "classes that are considered", attack => attack.Candidates, (attack, value) => attack with { Candidates = value });

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Tensor images, Goal goal, SampleRandom random)
    {
        using var scope = new TensorScope();
        return scope.Keep(Cross(new(model, images, goal, random)).AddInPlace(images).ClampInPlace(0, 1));
    }

    /// <summary>The stretched sums of the steps, which the box does not bound.</summary>
    internal Tensor Cross(AttackBatch<IClassifier> batch)
    {
        using var scope = new TensorScope();
        Tensor results = batch.Images.ZerosLike(), change = batch.Images.ZerosLike(), rivals = Rivals(batch.Model.Logits(batch.Images), batch.Goal);
        AttackBatch<IClassifier> copies = batch.Repeat((int)rivals.Size(1));
        long[] rows = Rows.All(batch.Count);
        for (int step = 0; step < Steps; step++)
        {
            bool[] reached = Step();
            long[] stay = Rows.Where(reached, false);
            if (stay.Length == rows.Length) continue;
            long[] leave = Rows.Where(reached, true);
            results.Put(rows.At(leave), change.At(leave));
            rows = rows.At(stay);
            if (rows.Length == 0) break;
            (batch, rivals, change) = (batch.Select(stay), rivals.At(stay), change.At(stay));
            copies = batch.Repeat((int)rivals.Size(1));
        }

        if (rows.Length > 0) results.Put(rows, change);
        return scope.Keep(results.MulInPlace(1 + Overshoot));

        // Moves what has not reached the goal; says what has.
        bool[] Step()
        {
            using var inner = new TensorScope();
            long count = rivals.Size(1);
            Tensor point = change.Mul(1 + Overshoot).AddInPlace(batch.Images).ClampInPlace(0, 1);
            LossGradient pass = copies.Model.Gradient(point.RepeatInterleave(count), Gaps(copies.Goal, rivals.Reshape(-1, 1)));
            Tensor reached = batch.Goal.IsReached(pass.Logits.Reshape(-1, count, pass.Logits.Size(1)).Select(1, 0).ArgMax(1));
            Tensor lengths = Dual(pass.Gradient).ClampMin(Smallest), distances = pass.Losses.Abs().Div(lengths).Reshape(-1, count);
            Tensor nearest = batch.Goal.IsTargeted ? distances.ArgMax(1) : distances.ArgMin(1);
            long[] chosen = [.. nearest.ToArray<long>().Select((rival, row) => (row * count) + rival)];
            Tensor step = Onto(pass.Gradient.At(chosen), Column(pass.Losses.Abs(), chosen), Column(lengths, chosen), point);
            change.AddInPlace(step.MaskedFill(reached.Reshape(-1, 1, 1, 1), 0), -1);
            return reached.ToArray<bool>();
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Entry.Describe(this);

    // The classes with the largest logits beside the goal's own, [N, candidates - 1].
    private Tensor Rivals(Tensor logits, Goal goal) => logits.Scatter(1, goal.Labels.Unsqueeze(1), double.NegativeInfinity)
        .TopK(Math.Min(Candidates, logits.Size(1)) - 1).Indices;

    // How far the image is from the boundary between its own class and the rival, in logits.
    private static Func<Tensor, Tensor> Gaps(Goal goal, Tensor rivals) => logits =>
    {
        Tensor gap = logits.Gather(1, goal.Labels.Unsqueeze(1)).Sub(logits.Gather(1, rivals)).Squeeze(1);
        return goal.IsTargeted ? gap.Neg() : gap;
    };

    private Tensor Dual(Tensor gradients) => gradients.Norm(Norm == Norm.Linf ? 1 : Norm == Norm.L2 ? 2 : double.PositiveInfinity, s_image);

    private static Tensor Column(Tensor values, long[] chosen) => values.At(chosen).Reshape(-1, 1, 1, 1);

    // The smallest step, against the gradient, that closes the gap of a linear function with this gradient.
    private Tensor Onto(Tensor gradient, Tensor gap, Tensor length, Tensor point) => Norm switch
    {
        Norm.L2 => gradient.Mul(gap.Div(length).Add(Further).Div(length)),
        Norm.Linf => gradient.Sign().Mul(gap.Div(length).Add(Further)),
        _ => Fewest(gradient, gap.Add(length.Mul(Further)), point),
    };

    // Pixels move to the end of the box, largest gradients first, until the gap is closed; the last one moves as far as it must.
    private static Tensor Fewest(Tensor gradient, Tensor gap, Tensor point)
    {
        Tensor room = Tensor.Where(gradient.Greater(0), point, point.SubtractedFrom(1)).Flatten();
        var (slopes, order) = gradient.Abs().Flatten().TopK(room.Size(1));
        Tensor ends = room.Gather(1, order), gains = slopes.Mul(ends), before = gains.CumulativeSum(1).Sub(gains);
        Tensor moves = gap.Reshape(-1, 1).Sub(before).Div(slopes.ClampMin(Smallest)).ClampInPlace(0, double.PositiveInfinity).Minimum(ends);
        return moves.ZerosLike().Scatter(1, order, moves).Reshape(gradient.Shape).MulInPlace(gradient.Sign());
    }
}
