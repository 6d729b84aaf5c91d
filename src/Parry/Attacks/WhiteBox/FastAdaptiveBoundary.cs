using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// FAB, the fast adaptive boundary attack (Croce and Hein, 2019, 1907.02044): at each step the boundary is taken for a
/// plane; the point moves to the nearest point of the plane within the box, drawn towards the one nearest to the clean
/// image, and past the boundary it steps back towards that image. Minimum norm in Linf, L2 or L1. By default it is
/// FAB-T, as in AutoAttack: it attacks the boundary to one class at a time, the likeliest wrong ones side by side, so
/// that its cost does not grow with the number of classes; any wrong class counts. The paper's form, which takes the
/// nearest of these boundaries at each step, is <see cref="Untargeted"/>. A wanted class is approached by the margin
/// over the best other. α = 0.1, η = 1.05, β = 0.9, 100 steps. Deviations: the last search of the paper is left out, as
/// in AutoAttack, and so are random restarts.
/// </summary>
public sealed record FastAdaptiveBoundary : IAttack<IClassifier>
{
    private const double AlphaMost = 0.1;
    private const double Overshoot = 1.05;
    private const double Back = 0.9;
    private const double Tiny = 1e-8;

    /// <inheritdoc/>
    public string Name => "fab";

    /// <summary>Linf, L2 or L1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.Linf, Norm.L2, Norm.L1)]
    public Norm Norm
    {
        get;
        init => field = value.Among(Norm.Linf, Norm.L2, Norm.L1);
    } = Norm.Linf;

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 100;

    /// <summary>How many wrong classes it aims at.</summary>
    [Option("targets", "wrong classes it aims at, the likeliest first", Min = 1)]
    public int Targets { get; init; } = 9;

    /// <summary>
    /// Whether one point of each image steps to the nearest of the boundaries, as in the paper, instead of one point
    /// for each boundary. It takes about two thirds of the time.
    /// </summary>
    [Option("untargeted", "step to the nearest boundary, as in the paper; faster")]
    public bool Untargeted { get; init; }

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        using var scope = NewDisposeScope();
        long[][] targets = RankedClasses.Targets(model, batch, Targets);
        int each = targets[0].Length;
        Tensor classes = tensor(targets.SelectMany(ranked => ranked).ToArray(), [batch.Count, each]);
        if (Untargeted)
            return scope.MoveToOuter(Approach(model, batch, NearestPlane).Points);

        Batch rows = batch.Repeat(each);
        Func<Tensor, Tensor> boundary = batch.Goal.IsTargeted
            ? AttackLoss.Margin(rows.Goal)
            : AttackLoss.Difference(rows.Goal.Labels, classes.flatten());
        var (found, distances) = Approach(model, rows, point => model.Gradient(rows.With(point), boundary));

        // Of each image the nearest; where all failed, where the likeliest class was approached.
        return scope.MoveToOuter(found.index_select(0, Smallest(distances, each)));

        LossGradient NearestPlane(Tensor point)
        {
            Jacobian planes = model.Jacobian(batch.With(point), each, Boundaries);
            Tensor lengths = Norm.Dual().Of(planes.Gradients.flatten(0, 1)).clamp_min(Tiny);
            return planes.At((planes.Losses.abs() / lengths.reshape(planes.Losses.shape)).argmin(1));
        }

        // How far the logit of each wrong class is above that of the true one.
        Tensor Boundaries(Tensor logits) =>
            batch.Goal.IsTargeted
                ? AttackLoss.Margin(batch.Goal)(logits).unsqueeze(1)
                : logits.gather(1, classes) - logits.gather(1, batch.Goal.Labels.unsqueeze(1));
    }

    // Of every so many rows the one with the smallest value.
    private static Tensor Smallest(Tensor values, int each)
    {
        Tensor smallest = values.reshape(-1, each).argmin(1);
        return (arange(smallest.size(0), ScalarType.Int64) * each) + smallest;
    }

    // For each row the nearest point that reached the goal, with its distance; infinity and the last point where none
    // did. A boundary is taken for a plane: its loss is zero on it, the gradient is its normal.
    private (Tensor Points, Tensor Distances) Approach(
        IClassifier model,
        Batch batch,
        Func<Tensor, LossGradient> planeAt
    )
    {
        Tensor clean = batch.Images;
        Tensor point = clean.clone();
        Tensor best = clean.clone();
        Tensor distances = full([batch.Count, 1, 1, 1], double.PositiveInfinity);
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            LossGradient pass = planeAt(point);
            Tensor w = pass.Gradient;
            Tensor missing = -pass.Losses.reshape(-1, 1, 1, 1);
            Tensor missingFromClean = missing + (w * (point - clean)).SumPerImage(keepdim: true);
            Tensor d = BoxedPlane.Step(Norm, point, w, missing);
            Tensor d0 = BoxedPlane.Step(Norm, clean, w, missingFromClean);
            Tensor alpha = (Size(d) / (Size(d) + Size(d0))).clamp_max(AlphaMost);

            // (1 - α)(x + η d) + α(x₀ + η d₀), exact where both are the same.
            Tensor direct = clean + (Overshoot * d0);
            Tensor moved = point + (Overshoot * d);
            Tensor next = (moved + (alpha * (direct - moved))).clamp(0.0, 1.0);

            Tensor hit = batch.Goal.IsReached(model.Predict(batch.With(next))).reshape(-1, 1, 1, 1);
            Tensor size = Norm.Of(next - clean, keepdim: true);
            Tensor better = hit & (size < distances);
            best.copy_(where(better | distances.isinf(), next, best));
            distances.copy_(where(better, size, distances));
            point.copy_(where(hit, clean + (Back * (next - clean)), next));
        }

        return (best, distances);
    }

    private Tensor Size(Tensor changes) => Norm.Of(changes, keepdim: true).clamp_min(Tiny);
}
