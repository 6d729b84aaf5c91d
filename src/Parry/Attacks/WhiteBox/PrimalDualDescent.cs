using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// PDPGD, primal-dual proximal gradient descent (Matyasko and Chau, 2021, 2106.01538): Adam on the constraint that the
/// goal is reached, softplus of minus the margin, and after each step the proximal operator of the distance; the weight
/// between the two is a dual variable, which falls to the distance where the goal is reached and to the constraint
/// where not. Smallest Linf, L2, L1 or L0, untargeted or targeted. As in the port of the authors' code to PyTorch
/// (adversarial-library): 500 steps, whose size falls exponentially from 0.1 to 0.001; dual steps that fall from 0.1 to
/// 0.01, and an average of the weights with the factor 0.9. Deviations: the proximal operator is exact in Adam's
/// metric, where that code takes up to five steps towards it; L0 has its own operator, not that of the L2/3 norm, which
/// found no smaller perturbations; the second descent of the paper and its random start are left out. It returns the
/// nearest iterate that reaches the goal.
/// </summary>
public sealed record PrimalDualDescent : IAttack<IClassifier>
{
    private const double LastStep = 0.01;
    private const double DualStep = 0.1;
    private const double LastDualStep = 0.01;
    private const double Average = 0.9;
    private const int NewtonSteps = 6;
    private const double Smallest = 1e-12;

    private static readonly double s_logLargestRatio = Math.Log(1e6);

    /// <inheritdoc/>
    public string Name => "pdpgd";

    /// <inheritdoc/>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.Linf, Norm.L2, Norm.L1, Norm.L0)]
    public Norm Norm { get; init; } = Norm.Linf;

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 500;

    /// <summary>The size of the first step; the last is a hundredth of it.</summary>
    [Option("step", "size of the first step")]
    public double Step { get; init; } = 0.1;

    /// <summary>The ratio of the distance's weight to the constraint's at first.</summary>
    [Option("ratio", "first weight of the distance over that of the constraint", Min = 1e-6, Max = 1e6)]
    public double Ratio { get; init; } = 0.01;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        var best = new BestSoFar(images);
        Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
        Tensor point = images.clone();
        var adam = new RowAdam(images);
        Tensor dual = full([batch.Count, 1, 1, 1], -Math.Log(Ratio));
        Tensor weight = dual.sigmoid();
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            LossGradient pass = model.Gradient(batch.With(point), logits => nn.functional.softplus(-margin(logits)));
            Tensor margins = margin(pass.Logits).reshape(-1, 1, 1, 1);
            best.Take(point, margins, Norm.Of(point - images));

            // Descent on the constraint by Adam, and on the distance by its proximal operator in Adam's metric h.
            double alpha = Step * Math.Pow(LastStep, (double)step / Steps);
            var (mean, h) = adam.Moments(pass.Gradient);
            Tensor moved = (point - (alpha * mean / h)).clamp(0.0, 1.0) - images;
            Tensor pull = alpha * (1 - weight) / weight;
            point.copy_((images + Nearer(moved, h, pull)).clamp(0.0, 1.0));

            // Ascent on the logarithm of the weights' ratio, and an average of the constraint's weight.
            double theta = DualStep + ((LastDualStep - DualStep) * step / Math.Max(Steps - 1, 1));
            dual.sub_(theta * margins.sign()).clamp_(-s_logLargestRatio, s_logLargestRatio);
            weight.mul_(Average).add_((1 - Average) * dual.sigmoid());
        }

        return scope.MoveToOuter(best.Images);
    }

    // The change z for which c·norm(z) + Σ h(z - r)²/2 is smallest.
    private Tensor Nearer(Tensor r, Tensor h, Tensor c) =>
        Norm switch
        {
            Norm.Linf => Clipped(r, h, c),
            Norm.L2 => Shortened(r, h, c),
            Norm.L1 => r.sign() * (r.abs() - (c / h)).clamp_min(0.0),
            _ => where(h * r * r > 2 * c, r, zeros_like(r)),
        };

    // z is r clipped to ±t, where Σ h(|r| - t)⁺ = c. Newton's method comes from below.
    private static Tensor Clipped(Tensor r, Tensor h, Tensor c)
    {
        Tensor t = zeros_like(c);
        for (int i = 0; i < NewtonSteps; i++)
        {
            Tensor over = (r.abs() - t).clamp_min(0.0);
            Tensor excess = (h * over).SumPerImage(keepdim: true) - c;
            Tensor slope = (h * (over > 0)).SumPerImage(keepdim: true);
            t = (t + (excess / slope.clamp_min(Smallest))).clamp_min(0.0);
        }

        return r.maximum(-t).minimum(t);
    }

    // z is hnr/(hn + c), where n is its length: φ(n) = Σ (hr/(hn + c))² = 1. Newton's method on 1/√φ, which is nearly
    // linear.
    private static Tensor Shortened(Tensor r, Tensor h, Tensor c)
    {
        Tensor n = zeros_like(c);
        for (int i = 0; i < NewtonSteps; i++)
        {
            Tensor terms = (h * r / ((h * n) + c)).square();
            Tensor phi = terms.SumPerImage(keepdim: true);
            Tensor slope = -2 * (terms * h / ((h * n) + c)).SumPerImage(keepdim: true);
            n = (n - (2 * phi * (phi.sqrt() - 1) / slope.clamp_max(-Smallest))).clamp_min(0.0);
        }

        return h * n * r / ((h * n) + c);
    }
}
