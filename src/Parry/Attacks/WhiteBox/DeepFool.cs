using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// DeepFool (Moosavi-Dezfooli, Fawzi, Frossard, 2015, 1511.04599): takes the logits for linear, steps onto the nearest
/// boundary with another class, and does so again until the image crosses it. Smallest L2, Linf or L1. The rivals are
/// the 9 other classes with the largest logits of the clean image (the paper's 10 classes), at most 50 steps. As in the
/// authors' code a step is longer by 1e-4. Deviations: each step is stretched by the overshoot of 0.02 and clipped to
/// the box before the next is taken, where the paper stretches and clips the sum of all steps, which then leads away
/// from the boundary where many pixels are black or white; in L1 the step is the smallest one within the box, over as
/// many pixels as it takes, largest gradients first, where the paper's changes one pixel without end; a targeted run,
/// which the paper does not have, steps onto the farthest of the boundaries between the target and the rivals.
/// </summary>
public sealed record DeepFool : IAttack<IClassifier>
{
    private const double Further = 1e-4;
    private const double Smallest = 1e-8;

    /// <inheritdoc/>
    public string Name => "deepfool";

    /// <summary>L2, Linf or L1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.L2, Norm.Linf, Norm.L1)]
    public Norm Norm
    {
        get;
        init => field = value.Among(Norm.L2, Norm.Linf, Norm.L1);
    } = Norm.L2;

    /// <summary>The number of steps after which an image is given up.</summary>
    [Option("steps", "steps after which an image is given up", Min = 1)]
    public int Steps { get; init; } = 50;

    /// <summary>By what share each step is stretched.</summary>
    [Option("overshoot", "by what share a step is stretched")]
    public double Overshoot { get; init; } = 0.02;

    /// <summary>The number of classes that are considered, the image's own among them.</summary>
    [Option("candidates", "classes that are considered", Min = 2)]
    public int Candidates { get; init; } = 10;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        using var scope = NewDisposeScope();
        Tensor result = batch.Images.clone();
        Tensor point = batch.Images.clone();
        Tensor rivals = Rivals(model.Logits(batch.With(batch.Images)), batch.Goal);
        long[] rows = Rows.All(batch.Count);
        for (int step = 0; step < Steps; step++)
        {
            bool[] reached = Step();
            long[] stay = Rows.Where(reached, false);
            if (stay.Length == rows.Length)
                continue;
            long[] leave = Rows.Where(reached, true);
            result.Put(rows.At(leave), point.At(leave));
            (batch, rows) = (batch.Select(stay), rows.At(stay));
            (rivals, point) = (rivals.At(stay), point.At(stay));
            if (rows.Length == 0)
                break;
        }

        result.Put(rows, point);
        return scope.MoveToOuter(result);

        // Moves what has not reached the goal; says what has.
        bool[] Step()
        {
            using var inner = NewDisposeScope();
            int count = (int)rivals.size(1);
            Jacobian pass = model.Jacobian(batch.With(point), count, logits => Gaps(logits, batch.Goal, rivals));
            Tensor reached = batch.Goal.IsReachedBy(pass.Logits);

            // f_k - f_y and its gradient w_k for every rival k; the nearest boundary is that of the smallest |f| / ‖w‖.
            Tensor lengths = Length(pass.Gradients.flatten(0, 1)).reshape(pass.Losses.shape);
            Tensor distances = pass.Losses.abs() / lengths;
            Tensor nearest = batch.Goal.IsTargeted ? distances.argmax(1) : distances.argmin(1);
            var (_, f, w) = pass.At(nearest);
            Tensor step = Onto(w, Column(f.abs()), Column(Length(w)), point);
            Tensor next = (point - ((1 + Overshoot) * step)).clamp(0.0, 1.0);
            point.copy_(where(reached.reshape(-1, 1, 1, 1), point, next));
            return reached.ToArray<bool>();

            Tensor Length(Tensor normals) => Norm.Dual().Of(normals).clamp_min(Smallest);
            Tensor Column(Tensor values) => values.reshape(-1, 1, 1, 1);
        }
    }

    // The classes with the largest logits beside the goal's own, [N, candidates - 1].
    private Tensor Rivals(Tensor logits, Goal goal)
    {
        Tensor others = logits.ScatterValue(1, goal.Labels.unsqueeze(1), double.NegativeInfinity);
        return others.sort(1, true, true).Indices.slice(1, 0, Math.Min(Candidates, logits.size(1)) - 1, 1);
    }

    // How far the image is from the boundaries between its own class and the rivals, in logits.
    private static Tensor Gaps(Tensor logits, Goal goal, Tensor rivals)
    {
        Tensor gaps = logits.gather(1, goal.Labels.unsqueeze(1)) - logits.gather(1, rivals);
        return goal.IsTargeted ? -gaps : gaps;
    }

    // The smallest step, against the gradient, that closes the gap of a linear function with this gradient.
    private Tensor Onto(Tensor gradient, Tensor gap, Tensor length, Tensor point) =>
        Norm switch
        {
            Norm.L2 => ((gap / length) + Further) / length * gradient,
            Norm.Linf => ((gap / length) + Further) * gradient.sign(),
            _ => Fewest(gradient, gap + (Further * length), point),
        };

    // Pixels move to the end of the box, largest gradients first, until the gap is closed; the last one moves as far as
    // it must.
    private static Tensor Fewest(Tensor gradient, Tensor gap, Tensor point)
    {
        Tensor room = where(gradient > 0, point, 1 - point).flatten(1);
        var (slopes, order) = gradient.abs().flatten(1).topk((int)room.size(1), -1);
        Tensor ends = room.gather(1, order);
        Tensor gains = slopes * ends;
        Tensor before = gains.cumsum(1) - gains;
        Tensor left = (gap.flatten(1) - before) / slopes.clamp_min(Smallest);
        Tensor moves = left.clamp_min(0.0).minimum(ends);
        return zeros_like(moves).scatter(1, order, moves).reshape(gradient.shape) * gradient.sign();
    }
}
