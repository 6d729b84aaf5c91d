using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// ALMA, the augmented Lagrangian method for adversarial attacks (Rony, Granger, Pedersoli, Ben Ayed, 2020,
/// 2011.11857): gradient steps on the distance plus a penalty of how far the difference of logits ratio is from the
/// goal. The penalty's multiplier μ follows its slope, and its parameter ρ grows for an image that neither reached the
/// goal nor came nearer to it in the last 10 steps. Smallest L2 or L1, untargeted or targeted. As in the authors' code:
/// the penalty P2, RMSProp with momentum, a first step of length 0.1 in L2 and 0.5 in L1, and a step size that falls to
/// a hundredth from the first success on; 1,000 steps with α = 0.9 (for 100 steps they take 0.5). Deviations: the
/// length of the first step is set along the part of the gradient that the box lets through, not searched for; the
/// ratio is not lifted by 0.0001, and a wanted class has the ratio of an unwanted one; where a model has two classes,
/// for which there is no ratio, the margin takes its place. It returns the nearest iterate that reaches the goal.
/// </summary>
public sealed record AugmentedLagrangian : IAttack<IClassifier>
{
    private const double LastStep = 0.01;
    private const int CheckedEvery = 10;
    private const double Enough = 0.95;
    private const double Growth = 1.2;
    private const double LeastMultiplier = 1e-6;
    private const double LargestMultiplier = 1e12;
    private const double Smallest = 1e-8;

    /// <inheritdoc/>
    public string Name => "alma";

    /// <summary>L2 or L1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.L2, Norm.L1)]
    public Norm Norm
    {
        get;
        init => field = value.Among(Norm.L2, Norm.L1);
    } = Norm.L2;

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 1000;

    /// <summary>ε: the length of the first step; null for 0.1 in L2 and 0.5 in L1.</summary>
    [Option("start", "length of the first step")]
    public double? FirstLength { get; init; }

    /// <summary>α: how much of the past the multiplier, RMSProp and its momentum keep in a step.</summary>
    [Option("alpha", "how much of the past is kept in a step", Max = 1)]
    public double Alpha { get; init; } = 0.9;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        var best = new BestSoFar(images);
        Func<Tensor, Tensor> ratio =
            model.Classes < 3 ? AttackLoss.Margin(batch.Goal) : AttackLoss.LogitRatio(batch.Goal);
        Tensor point = images.clone();
        Tensor square = ones_like(images);
        Tensor momentum = zeros_like(images);
        Tensor mu = ones([batch.Count, 1, 1, 1]);
        Tensor rho = ones_like(mu);
        Tensor rate = ones_like(mu);
        Tensor checkedBefore = ones_like(mu);
        Tensor foundAt = full_like(mu, Steps);
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            LossGradient pass = model.Gradient(batch.With(point), ratio);
            Tensor delta = point - images;
            best.Take(point, pass.Losses, Norm.Of(delta));

            // The constraint is y ≤ 0.
            Tensor y = -pass.Losses.reshape(-1, 1, 1, 1);
            foundAt.copy_(where(y < 0, foundAt.clamp_max(step), foundAt));
            bool isChecked = (step + 1) % CheckedEvery == 0;
            if (isChecked)
            {
                Tensor isLate = (foundAt == Steps) & (y >= Enough * checkedBefore);
                rho.copy_(where(isLate, Growth * rho, rho));
            }

            if (isChecked || step == 0)
                checkedBefore.copy_(y);
            if (step > 0)
            {
                Tensor followed = (Alpha * mu) + ((1 - Alpha) * PenaltySlope(y, rho, mu));
                mu.copy_(followed.clamp(LeastMultiplier, LargestMultiplier));
            }

            Tensor gradient = -PenaltySlope(y, rho, mu) * pass.Gradient;
            if (step == 0)
            {
                (gradient, Tensor first) = FirstStep(gradient, batch);
                rate.copy_(first);
            }
            else
            {
                gradient += Norm == Norm.L1 ? delta.sign() : Direction.Unit(delta);
            }

            // RMSProp; the step size falls exponentially from the first success on.
            square.mul_(Alpha).addcmul_(gradient, gradient, 1 - Alpha);
            momentum.mul_(Alpha).add_(gradient / (square.sqrt() + Smallest));
            Tensor elapsed = (step - foundAt).clamp_min(0.0) / (Steps - foundAt).clamp_min(1.0);
            Tensor stepSize = rate * (elapsed * Math.Log(LastStep)).exp();
            point.copy_((point - (stepSize * momentum)).clamp(0.0, 1.0));
        }

        return scope.MoveToOuter(best.Images);
    }

    // The slope of P2: μy + μρy² + ρ²y³/6 where y ≥ 0, and μy/(1 - ρy) below.
    private static Tensor PenaltySlope(Tensor y, Tensor rho, Tensor mu)
    {
        Tensor beyond = rho * y;
        Tensor above = mu + (2 * mu * beyond) + (beyond * beyond / 2);
        Tensor below = mu / (1 - beyond.clamp_max(0.0)).square();
        return where(y >= 0, above, below);
    }

    // The gradient, a random direction where it vanishes, and by what to multiply it for a step of the wanted length.
    private (Tensor Gradient, Tensor Rate) FirstStep(Tensor gradient, Batch batch)
    {
        Tensor open = Open(gradient);
        Tensor vanished = Norm.L2.Of(open, keepdim: true) <= Smallest;
        Tensor first = where(vanished, Direction.Along(open, batch.Random, 0), gradient);
        double length = FirstLength ?? (Norm == Norm.L1 ? 0.5 : 0.1);
        return (first, length / Norm.Of(Open(first), keepdim: true).clamp_min(Smallest));

        Tensor Open(Tensor direction) =>
            direction.masked_fill(where(direction > 0, batch.Images <= 0, batch.Images >= 1), 0.0);
    }
}
