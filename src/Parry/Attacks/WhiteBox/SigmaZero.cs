using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// σ-zero (Cinà, Villani, Pintor, Schönherr, Biggio, Pelillo, 2024, 2402.01879): Adam on how far the true class is
/// ahead plus a smooth count of the changed values, the mean of δ²/(δ² + σ); after each step changes below a threshold
/// τ vanish, which rises where the goal is reached and falls where not. Smallest L0, untargeted or targeted. As in the
/// authors' code: 1,000 steps, a gradient divided by its largest absolute value, a step size that falls from 1 to 0.1
/// along a cosine, σ = 0.001, and τ that begins at 0.3 and moves by a hundredth of the step size. Deviation: the
/// authors know no target; here the wanted class takes the place of all wrong ones. It returns the iterate that reaches
/// the goal with the fewest changed values.
/// </summary>
public sealed record SigmaZero : IAttack<IClassifier>
{
    private const double LastStep = 0.1;
    private const double ThresholdRate = 0.01;
    private const double Smallest = 1e-12;

    /// <inheritdoc/>
    public string Name => "sigma-zero";

    /// <inheritdoc/>
    public Norm Norm => Norm.L0;

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 1000;

    /// <summary>η₀: the size of the first step; the last is a tenth of it.</summary>
    [Option("step", "size of the first step")]
    public double Step { get; init; } = 1;

    /// <summary>σ: the smaller, the nearer the smooth count is to the number of changed values.</summary>
    [Option("sigma", "the smaller, the sharper is the smooth count of changed values", Min = 1e-9)]
    public double Sigma { get; init; } = 1e-3;

    /// <summary>τ₀: the threshold at first, below which changes vanish.</summary>
    [Option("threshold", "changes below it vanish, at first", Max = 1)]
    public double Threshold { get; init; } = 0.3;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        double values = (double)images.numel() / batch.Count;
        using var scope = NewDisposeScope();
        var best = new BestSoFar(images);
        var adam = new RowAdam(images);
        Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
        Tensor point = images.clone();
        Tensor tau = full([batch.Count, 1, 1, 1], Threshold);
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            LossGradient pass = model.Gradient(batch.With(point), logits => (-margin(logits)).clamp_min(0.0));
            Tensor delta = point - images;
            Tensor margins = margin(pass.Logits).reshape(-1, 1, 1, 1);
            best.Take(point, margins, Norm.L0.Of(delta));

            // δ²/(δ² + σ) has the slope 2σδ/(δ² + σ)².
            Tensor smooth = (delta * delta) + Sigma;
            Tensor gradient = pass.Gradient + (2 * Sigma / values * delta / (smooth * smooth));
            Tensor normalized = gradient / Norm.Linf.Of(gradient, keepdim: true).clamp_min(Smallest);

            double decay = (1 + Math.Cos(Math.PI * step / Steps)) / 2;
            double eta = Step * (LastStep + ((1 - LastStep) * decay));
            Tensor moved = (point - (eta * adam.Direction(normalized))).clamp(0.0, 1.0) - images;
            Tensor sign = (2 * (margins > 0).to(ScalarType.Float32)) - 1;
            tau.copy_((tau + (ThresholdRate * eta * sign)).clamp(0.0, 1.0));
            point.copy_(where(moved.abs() >= tau, images + moved, images));
        }

        return scope.MoveToOuter(best.Images);
    }
}
