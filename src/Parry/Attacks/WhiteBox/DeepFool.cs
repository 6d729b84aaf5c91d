using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// DeepFool (Moosavi-Dezfooli, Fawzi, Frossard, 2015, 1511.04599): takes the logits for linear, steps onto the nearest
/// boundary with another class, and does so again until the image crosses it; the sum of the steps is stretched by an
/// overshoot of 0.02. Smallest L2, Linf or L1. The rivals are the 9 other classes with the largest logits of the clean
/// image (the paper's 10 classes), at most 50 steps. As in the authors' code a step is longer by 1e-4, and the
/// stretched image is clipped to the box. Deviations: in L1 the step is the smallest one within the box, over as many
/// pixels as it takes, largest gradients first, where the paper's changes one pixel without end; a targeted run, which
/// the paper does not have, steps onto the farthest of the boundaries between the target and the rivals.
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
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.L2, Norm.Linf, Norm.L1)]
    public Norm Norm
    {
        get;
        init =>
            field =
                value != Norm.L0
                    ? value
                    : throw new ArgumentOutOfRangeException(
                        nameof(value),
                        $"DeepFool works in L2, Linf and L1, not in {value}."
                    );
    } = Norm.L2;

    /// <summary>The number of steps after which an image is given up.</summary>
    [Option("steps", "steps after which an image is given up", Min = 1)]
    public int Steps { get; init; } = 50;

    /// <summary>By what share the sum of the steps is stretched.</summary>
    [Option("overshoot", "by what share the perturbation is stretched")]
    public double Overshoot { get; init; } = 0.02;

    /// <summary>The number of classes that are considered, the image's own among them.</summary>
    [Option("candidates", "classes that are considered", Min = 2)]
    public int Candidates { get; init; } = 10;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Cross(model, batch).add_(images).clamp_(0.0, 1.0));
    }

    /// <summary>The stretched sums of the steps, which the box does not bound.</summary>
    internal Tensor Cross(IClassifier model, Batch batch)
    {
        using var scope = NewDisposeScope();
        Tensor results = zeros_like(batch.Images),
            change = zeros_like(batch.Images),
            rivals = Rivals(model.Logits(batch.With(batch.Images)), batch.Goal);
        Batch copies = batch.Repeat((int)rivals.size(1));
        long[] rows = Rows.All(batch.Count);
        for (int step = 0; step < Steps; step++)
        {
            bool[] reached = Step();
            long[] stay = Rows.Where(reached, false);
            if (stay.Length == rows.Length)
                continue;
            long[] leave = Rows.Where(reached, true);
            results.Put(rows.At(leave), change.At(leave));
            rows = rows.At(stay);
            if (rows.Length == 0)
                break;
            (batch, rivals, change) = (batch.Select(stay), rivals.At(stay), change.At(stay));
            copies = batch.Repeat((int)rivals.size(1));
        }

        if (rows.Length > 0)
            results.Put(rows, change);
        return scope.MoveToOuter(results.mul_(1 + Overshoot));

        // Moves what has not reached the goal; says what has.
        bool[] Step()
        {
            using var inner = NewDisposeScope();
            long count = rivals.size(1);
            Tensor point = change.mul(1 + Overshoot).add_(batch.Images).clamp_(0.0, 1.0);
            LossGradient pass = model.Gradient(
                copies.With(point.repeat_interleave(count, 0)),
                Gaps(copies.Goal, rivals.reshape(-1, 1))
            );
            Tensor reached = batch.Goal.IsReached(
                pass.Logits.reshape(-1, count, pass.Logits.size(1)).select(1, 0).argmax(1)
            );
            Tensor lengths = Dual(pass.Gradient).clamp_min(Smallest),
                distances = pass.Losses.abs().div(lengths).reshape(-1, count);
            Tensor nearest = batch.Goal.IsTargeted ? distances.argmax(1) : distances.argmin(1);
            long[] chosen = [.. nearest.ToArray<long>().Select((rival, row) => (row * count) + rival)];
            Tensor step = Onto(
                pass.Gradient.At(chosen),
                Column(pass.Losses.abs(), chosen),
                Column(lengths, chosen),
                point
            );
            change.add_(step.masked_fill(reached.reshape(-1, 1, 1, 1), 0.0), -1.0);
            return reached.ToArray<bool>();
        }
    }

    // The classes with the largest logits beside the goal's own, [N, candidates - 1].
    private Tensor Rivals(Tensor logits, Goal goal) =>
        logits
            .ScatterValue(1, goal.Labels.unsqueeze(1), double.NegativeInfinity)
            .topk((int)(Math.Min(Candidates, logits.size(1)) - 1), -1)
            .indexes;

    // How far the image is from the boundary between its own class and the rival, in logits.
    private static Func<Tensor, Tensor> Gaps(Goal goal, Tensor rivals) =>
        logits =>
        {
            Tensor gap = logits.gather(1, goal.Labels.unsqueeze(1)).sub(logits.gather(1, rivals)).squeeze(1);
            return goal.IsTargeted ? gap.neg() : gap;
        };

    private Tensor Dual(Tensor gradients) =>
        linalg.vector_norm(
            gradients,
            Norm == Norm.Linf ? 1
                : Norm == Norm.L2 ? 2
                : double.PositiveInfinity,
            s_image
        );

    private static Tensor Column(Tensor values, long[] chosen) => values.At(chosen).reshape(-1, 1, 1, 1);

    // The smallest step, against the gradient, that closes the gap of a linear function with this gradient.
    private Tensor Onto(Tensor gradient, Tensor gap, Tensor length, Tensor point) =>
        Norm switch
        {
            Norm.L2 => gradient.mul(gap.div(length).add(Further).div(length)),
            Norm.Linf => gradient.sign().mul(gap.div(length).add(Further)),
            _ => Fewest(gradient, gap.add(length.mul(Further)), point),
        };

    // Pixels move to the end of the box, largest gradients first, until the gap is closed; the last one moves as far as
    // it must.
    private static Tensor Fewest(Tensor gradient, Tensor gap, Tensor point)
    {
        Tensor room = where(gradient.gt(0.0), point, (1.0 - point)).flatten(1);
        var (slopes, order) = gradient.abs().flatten(1).topk((int)room.size(1), -1);
        Tensor ends = room.gather(1, order),
            gains = slopes.mul(ends),
            before = gains.cumsum(1).sub(gains);
        Tensor moves = gap.reshape(-1, 1)
            .sub(before)
            .div(slopes.clamp_min(Smallest))
            .clamp_(0.0, double.PositiveInfinity)
            .minimum(ends);
        return zeros_like(moves).scatter(1, order, moves).reshape(gradient.shape).mul_(gradient.sign());
    }
}
