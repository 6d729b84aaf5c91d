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
/// image, and past the boundary it steps back towards that image. Minimum norm in Linf, L2 or L1. As in AutoAttack it
/// is FAB-T: it attacks the boundary to one class at a time, the likeliest wrong ones side by side, so that its cost
/// does not grow with the number of classes; any wrong class counts. A wanted class is approached by the margin over
/// the best other. α = 0.1, η = 1.05, β = 0.9, 100 steps. Deviations: the last search of the paper is left out, as in
/// AutoAttack, and so are random restarts.
/// </summary>
public sealed record FastAdaptiveBoundary : IAttack<IClassifier>
{
    private const double AlphaMost = 0.1;
    private const double Overshoot = 1.05;
    private const double Back = 0.9;
    private const double Smallest = 1e-8;

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

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        using var scope = NewDisposeScope();
        long[][] targets = RankedClasses.Targets(model, batch, Targets);
        int each = targets[0].Length;
        var (found, distances) = Approach(
            model,
            batch.Repeat(each),
            tensor(targets.SelectMany(classes => classes).ToArray())
        );

        // Of each image the nearest; where all failed, where the likeliest class was approached.
        long[] nearest =
        [
            .. distances.reshape(-1, each).argmin(1).ToArray<long>().Select((target, row) => (row * each) + target),
        ];
        return scope.MoveToOuter(found.At(nearest));
    }

    // For each row the nearest point that reached the goal, with its distance; infinity and the last point where none
    // did.
    private (Tensor Points, Tensor Distances) Approach(IClassifier model, Batch batch, Tensor targets)
    {
        Tensor clean = batch.Images;
        Tensor point = clean.clone();
        Tensor best = clean.clone();
        Tensor distances = full([batch.Count, 1, 1, 1], double.PositiveInfinity);
        Func<Tensor, Tensor> boundary = batch.Goal.IsTargeted
            ? AttackLoss.Margin(batch.Goal)
            : AttackLoss.Difference(batch.Goal.Labels, targets);
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            LossGradient pass = model.Gradient(batch.With(point), boundary);
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

    private Tensor Size(Tensor changes) => Norm.Of(changes, keepdim: true).clamp_min(Smallest);
}
