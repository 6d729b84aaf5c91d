using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// FMN, the fast minimum-norm attack (Pintor, Roli, Brendel, Biggio, 2021, 2102.12827): steps along the gradient of the
/// margin, each followed by projection onto a ball and the box; the ball shrinks by the share γ when the image reaches
/// the goal and grows when it does not. Before the first success its radius is the estimated distance to the boundary.
/// Smallest Linf, L2, L1 or L0, untargeted or targeted. As in the authors' code: 100 steps, whose length falls from 1
/// to 0.01 and γ from 0.05 to 0.001 along a cosine; the radius in L0 is a whole number and begins at 1. Deviations: in
/// Linf the step follows the signs of the gradient and is as long as the ball is wide, which finds far smaller changes
/// on robust networks; in L2 and L1 the point is put onto the sphere, from inside too; the estimated distance is
/// stretched by γ too, lest the image stops just before the boundary, and does not fall; a gradient that vanishes is
/// replaced by a random direction; in L1 the projection is onto ball and box at once; in L0 the steps are longer. It
/// returns the nearest iterate that reaches the goal.
/// </summary>
public sealed record FastMinimumNorm : IAttack<IClassifier>
{
    private const double LastGamma = 0.001;
    private const double Smallest = 1e-12;

    /// <inheritdoc/>
    public string Name => "fmn";

    /// <inheritdoc/>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.Linf, Norm.L2, Norm.L1, Norm.L0)]
    public Norm Norm { get; init; } = Norm.Linf;

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 100;

    /// <summary>Where the steps go in Linf; in other norms they always follow the gradient.</summary>
    [Option("step-rule", "where the steps go in Linf")]
    public MinimumNormStep StepRule { get; init; } = MinimumNormStep.Sign;

    /// <summary>
    /// The length of the first step, in L2 (in radii of the ball, for steps along signs); the last is a hundredth of
    /// it. The paper's 1, but 30 in L0: a step is shared among all pixels, of which only a few then stay changed.
    /// </summary>
    [Option("step", "length of the first step; 1 by default, 30 in L0")]
    public double? Step { get; init; }

    /// <summary>γ: by what share the ball changes in the first step.</summary>
    [Option("gamma", "by what share the ball changes in the first step")]
    public double Gamma { get; init; } = 0.05;

    private bool FollowsSigns => Norm == Norm.Linf && StepRule == MinimumNormStep.Sign;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        using var scope = NewDisposeScope();
        Tensor images = batch.Images;
        var best = new BestSoFar(images);
        Tensor point = images.clone();
        Tensor epsilon = full([batch.Count, 1, 1, 1], Norm == Norm.L0 ? 1.0 : 0.0);
        double firstStep = Step ?? (Norm == Norm.L0 ? 30 : 1);
        Tensor farthest = Norm.Of(images.maximum(1 - images), keepdim: true);
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            LossGradient pass = model.Gradient(batch.With(point), AttackLoss.Margin(batch.Goal));
            Tensor delta = point - images;
            Tensor length = Norm.Of(delta, keepdim: true);
            Tensor reached = batch.Goal.IsReachedBy(pass.Logits).reshape(-1, 1, 1, 1);
            best.Take(point, pass.Losses, length);

            double decay = (1 + Math.Cos(Math.PI * step / Steps)) / 2;
            double alpha = firstStep * (0.01 + (0.99 * decay));
            double gamma = LastGamma + ((Gamma - LastGamma) * decay);
            Tensor nearest = Rows.Column(best.Distances);
            Tensor smaller = Shrunk(epsilon, gamma).minimum(nearest);
            Tensor larger = Grown(epsilon, gamma, length, pass, nearest);
            epsilon.copy_(where(reached, smaller, larger).minimum(farthest));

            Tensor direction = Direction.Along(pass.Gradient, batch.Random, step);
            Tensor move = FollowsSigns ? epsilon * direction.sign() : direction;
            Tensor projected = Project(delta + (alpha * move), images, epsilon);
            point.copy_((images + projected).clamp(0.0, 1.0));
        }

        return scope.MoveToOuter(best.Images);
    }

    private Tensor Shrunk(Tensor epsilon, double gamma) =>
        Norm == Norm.L0 ? (epsilon * (1 - gamma)).floor().minimum(epsilon - 1).clamp_min(0.0) : epsilon * (1 - gamma);

    private Tensor Grown(Tensor epsilon, double gamma, Tensor length, LossGradient pass, Tensor nearest)
    {
        if (Norm == Norm.L0)
            return (epsilon * (1 + gamma)).floor().maximum(epsilon + 1);

        // Until a point has reached the goal, the ball grows to where the linearized boundary is.
        Tensor slope = Norm.Dual().Of(pass.Gradient, keepdim: true).clamp_min(Smallest);
        Tensor distance = pass.Losses.abs().reshape(-1, 1, 1, 1) / slope;
        Tensor atBoundary = (length + distance).maximum(epsilon);
        return (1 + gamma) * where(nearest.isfinite(), epsilon, atBoundary);
    }

    private Tensor Project(Tensor delta, Tensor images, Tensor epsilon)
    {
        if (Norm == Norm.Linf)
            return delta.maximum(-epsilon).minimum(epsilon);
        if (Norm == Norm.L0)
            return Largest(delta, epsilon);

        // Onto the sphere, from outside and from inside.
        Tensor scale = epsilon / Norm.Of(delta, keepdim: true).clamp_min(Smallest);
        return Norm == Norm.L2 ? scale * delta : L1Ball.Project(scale.clamp_min(1.0) * delta, images, epsilon);
    }

    // The changes of the largest absolute value, as many as the radius says.
    private static Tensor Largest(Tensor delta, Tensor count)
    {
        Tensor size = delta.abs();
        int most = (int)Math.Max(count.max().Item(), 1);
        Tensor descending = size.flatten(1).topk(most, -1).values;
        Tensor last = (count.flatten(1) - 1).clamp_min(0.0).to(ScalarType.Int64);
        Tensor least = descending.gather(1, last).reshape(-1, 1, 1, 1);
        return delta * (size >= least) * count.clamp(0.0, 1.0);
    }
}
