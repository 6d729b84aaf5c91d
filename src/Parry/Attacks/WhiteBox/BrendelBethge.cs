using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// The Brendel-Bethge attack (Brendel, Rauber, Kümmerer, Ustyuzhaninov, Bethge, 2019, 1907.01003): from a point that
/// reaches the goal it walks along the decision boundary. Each step goes to where the boundary, taken for a plane whose
/// normal is an average of gradients, is nearest to the clean image, within the box and a trust region. Smallest L2,
/// Linf, L1 or L0, untargeted or targeted. The defaults are those of the authors' code in foolbox: 1,000 steps, a
/// radius that is halved 20 times, an average with the factor 0.8, steps that pass the boundary by a tenth. Starting
/// points are as for attacks that see labels only (<see cref="Start"/>), brought to the boundary along the norm's own
/// path; an image for which there is none is returned clean. Deviations: the multiplier of the trust region is carried
/// from step to step, doubled at most where a step was too short and halved where it was too long, in place of a search
/// within each step, and what leads out of the region is cut off; the first radius is 0.005 for each value of an image,
/// since foolbox's 0.001 is also multiplied by the number of images; in L0 the largest changes are kept on the path to
/// the boundary, not the smallest; it walks a ten-thousandth of the way beyond the boundary. It returns the nearest
/// iterate that reaches the goal; which one that is depends on the start, as the boundary has many hollows.
/// </summary>
public sealed record BrendelBethge : IAttack<IClassifier>, IBoundarySearch
{
    private const int Halvings = 10;
    private const int RadiusHalvings = 20;
    private const double Overshoot = 1.1;
    private const double Reserve = 1e-4;
    private const double FirstPull = 0.01;
    private const double LeastPull = 1e-12;
    private const double LargestPull = 10;
    private const double Smallest = 1e-12;

    /// <inheritdoc/>
    public string Name => "brendel-bethge";

    /// <inheritdoc/>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.L2, Norm.Linf, Norm.L1, Norm.L0)]
    public Norm Norm { get; init; } = Norm.L2;

    /// <summary>The number of steps along the boundary.</summary>
    [Option("steps", "steps along the boundary", Min = 1)]
    public int Steps { get; init; } = 1000;

    /// <summary>The radius of the first trust region, in L2, for each value of an image.</summary>
    [Option("radius", "radius of the first trust region, for each value of an image")]
    public double Radius { get; init; } = 5e-3;

    /// <summary>How much of the boundary's normal before a step is kept.</summary>
    [Option("momentum", "how much of the boundary's last normal is kept", Max = 1)]
    public double Momentum { get; init; } = 0.8;

    /// <inheritdoc/>
    [Option("start", "where the first image that reaches the goal is looked for")]
    public StartFrom Start { get; init; } = StartFrom.NoiseThenImages;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch) =>
        StartingPoint.SearchFrom(model, batch, given: null, Start, (rows, start) => Walk(model, rows, start));

    private Tensor Walk(IClassifier model, Batch batch, Tensor start)
    {
        using var scope = NewDisposeScope();
        Tensor images = batch.Images;
        double values = (double)images.numel() / batch.Count;
        var best = new BestSoFar(images);
        Func<Tensor, Tensor> boundary = AttackLoss.Margin(batch.Goal);
        Tensor perturbation = StartingPoint.Approach(model, batch, start, Halvings, Path) - images;
        Tensor normal = zeros_like(images);
        Tensor pull = full([batch.Count, 1, 1, 1], FirstPull);
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            Tensor point = (images + perturbation).clamp(0.0, 1.0);
            LossGradient pass = model.Gradient(batch.With(point), boundary);
            double kept = step == 0 ? 0 : Momentum;
            normal.mul_(kept).add_(pass.Gradient, 1 - kept);

            // It keeps a small share of the way beyond the boundary, where the last bits of the logits would decide.
            Tensor slope = Norm.L2.Of(normal, keepdim: true) * Norm.L2.Of(perturbation, keepdim: true);
            Tensor reserve = Reserve * slope;
            Tensor margin = pass.Losses.reshape(-1, 1, 1, 1);
            best.Take(point, margin - (reserve / 2), Norm.Of(point - images));

            Tensor excess = margin - reserve;
            Tensor gain = where(excess < 0, -Overshoot * excess, (Overshoot - 2) * excess);
            Tensor next = BoundaryStep.Onto(Norm, images, perturbation, normal, gain, pull);

            // The trust region: what leads out of it is cut off, and the pull adapts to it.
            double radius = Radius * values * Math.Pow(0.5, RadiusHalvings * step / Steps);
            Tensor move = next - perturbation;
            Tensor share = radius / Norm.L2.Of(move, keepdim: true).clamp_min(Smallest);
            perturbation.copy_(where(share >= 1, next, perturbation + (share * move)));
            pull.mul_(share.clamp(0.5, 2.0)).clamp_(LeastPull, LargestPull);
        }

        return scope.MoveToOuter(best.Images);
    }

    // Between the clean image and a point, with the smallest changes first to go.
    private Tensor Path(Tensor clean, Tensor point, Tensor t)
    {
        Tensor delta = point - clean;
        Tensor largest = Norm.Linf.Of(delta, keepdim: true);
        Tensor size = delta.abs();
        Tensor left = Norm switch
        {
            Norm.Linf => delta.sign() * size.minimum(t * largest),
            Norm.L2 => t * delta,
            Norm.L1 => delta.sign() * (size - ((1 - t) * largest)).clamp_min(0.0),
            _ => delta * (size >= (1 - t) * largest),
        };
        return (clean + left).clamp(0.0, 1.0);
    }
}
