using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// FMN, the fast minimum-norm attack (Pintor, Roli, Brendel, Biggio, 2021, 2102.12827): steps along the gradient of the
/// margin, each followed by projection onto a ball and the box; the ball shrinks by the share γ when the image reaches
/// the goal and grows when it does not. Before the first success its radius is the estimated distance to the boundary.
/// Smallest Linf, L2, L1 or L0, untargeted or targeted. As in the authors' code: 100 steps, whose length falls from 1
/// to 0.01 and γ from 0.05 to 0.001 along a cosine; the radius in L0 is a whole number and begins at 1. Deviations: the
/// estimated distance is stretched by γ too, lest the image stops just before the boundary, and does not fall; a
/// gradient that vanishes is replaced by a random direction; in L1 the projection is onto ball and box at once; images
/// for which nothing is found are tried once more with steps ten times as long. It returns the nearest iterate that
/// reaches the goal.
/// </summary>
public sealed record FastMinimumNorm : IAttack<IClassifier>
{
    private const double LastGamma = 0.001;
    private const double Longer = 10;
    private static readonly long[] s_image = [1, 2, 3];

    /// <inheritdoc/>
    public string Name => "fmn";

    /// <inheritdoc/>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.Linf, Norm.L2, Norm.L1, Norm.L0)]
    public Norm Norm { get; init; } = Norm.Linf;

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 100;

    /// <summary>The length of the first step, in L2; the last is a hundredth of it.</summary>
    [Option("step", "length of the first step")]
    public double Step { get; init; } = 1;

    /// <summary>γ: by what share the ball changes in the first step.</summary>
    [Option("gamma", "by what share the ball changes in the first step")]
    public double Gamma { get; init; } = 0.05;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        using var scope = NewDisposeScope();
        Closest found = Search(model, batch, Step);
        bool[] succeeded = found.Distances.isfinite().reshape(-1).ToArray<bool>();
        long[] withstood = Rows.Where(succeeded, false);
        if (withstood.Length > 0)
            found.Images.Put(withstood, Search(model, batch.Select(withstood), Longer * Step).Images);
        return scope.MoveToOuter(found.Images);
    }

    private Closest Search(IClassifier model, Batch batch, double first)
    {
        Tensor images = batch.Images;
        Goal goal = batch.Goal;
        var closest = new Closest(images);
        Func<Tensor, Tensor> margin = AttackLoss.Margin(goal);
        Tensor point = images.clone(),
            farthest = Column(images.maximum((1.0 - images)));
        Tensor radius = full([images.size(0), 1, 1, 1], (double)(Norm == Norm.L0 ? 1 : 0));
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            LossGradient pass = model.Gradient(batch.With(point), margin);
            Tensor change = point.sub(images),
                size = Column(change),
                reached = goal.IsReached(pass.Logits.argmax(1)).reshape(-1, 1, 1, 1);
            closest.Take(point, size, reached);

            double decay = (1 + Math.Cos(Math.PI * step / Steps)) / 2;
            double length = first * (0.01 + (0.99 * decay)),
                gamma = LastGamma + ((Gamma - LastGamma) * decay);
            radius.copy_(
                where(
                        reached,
                        Shrunk(radius, gamma).minimum(closest.Distances),
                        Grown(radius, gamma, size, pass, closest)
                    )
                    .minimum(farthest)
            );
            Tensor moved = change.add_(Direction.Along(pass.Gradient, batch.Random, step), length);
            point.copy_(Project(moved, images, radius).add(images).clamp_(0.0, 1.0));
        }

        return closest;
    }

    private Tensor Column(Tensor change) => Norm.Of(change).reshape(-1, 1, 1, 1);

    private Tensor Shrunk(Tensor radius, double gamma) =>
        Norm == Norm.L0 ? radius.mul(1 - gamma).floor().minimum(radius.sub(1.0)).clamp_min(0.0) : radius.mul(1 - gamma);

    private Tensor Grown(Tensor radius, double gamma, Tensor size, LossGradient pass, Closest closest)
    {
        if (Norm == Norm.L0)
            return radius.mul(1 + gamma).floor().maximum(radius.add(1.0));
        double dual =
            Norm == Norm.Linf ? 1
            : Norm == Norm.L2 ? 2
            : double.PositiveInfinity;
        Tensor distance = pass
            .Losses.abs()
            .reshape(-1, 1, 1, 1)
            .div(linalg.vector_norm(pass.Gradient, dual, s_image, true).clamp_min(1e-12));
        return where(closest.Distances.isfinite(), radius, size.add(distance).maximum(radius)).mul_(1 + gamma);
    }

    private Tensor Project(Tensor change, Tensor images, Tensor radius) =>
        Norm switch
        {
            Norm.Linf => change.maximum(radius.neg()).minimum(radius),
            Norm.L2 => change.mul_(
                radius.div(linalg.vector_norm(change, 2, s_image, true).clamp_min(1e-12)).clamp_(0.0, 1.0)
            ),
            Norm.L1 => L1Ball.Project(change, images, radius),
            _ => Largest(change, radius),
        };

    // The changes of the largest absolute value, as many as the radius says.
    private static Tensor Largest(Tensor change, Tensor count)
    {
        Tensor size = change.abs();
        long most = (long)count.amax(s_image).amax([0]).ToDouble();
        Tensor order = size.flatten(1).topk((int)Math.Max(most, 1), -1).values,
            last = count.reshape(-1, 1).sub(1.0).clamp_min(0.0).to(ScalarType.Int64);
        return change.masked_fill(size.lt(order.gather(1, last).reshape(-1, 1, 1, 1)), 0.0).mul_(count.clamp(0.0, 1.0));
    }
}
