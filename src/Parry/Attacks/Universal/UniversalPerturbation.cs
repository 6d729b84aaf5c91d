using Parry.Attacks.Building;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Universal;

/// <summary>
/// UAP, universal adversarial perturbations (Moosavi-Dezfooli, Fawzi, Fawzi, Frossard, 2016, 1610.08401): one
/// perturbation v for all images. It goes through the training images; for those that v does not fool it finds the
/// smallest further perturbation that does, by DeepFool, adds it to v and projects v onto the ball, until the share 1 -
/// δ of the images is fooled. Linf and L2, untargeted as published, δ = 0.2. Running it takes no pass of the model.
/// Deviations: v grows by the sum of the steps of a batch, not of each image by itself; a pass over the images goes to
/// its end; the best v of all passes is kept; DeepFool is measured in the norm of the ball; and a targeted goal learns
/// one perturbation for each wanted class, with DeepFool aimed at it.
/// </summary>
public sealed record UniversalPerturbation : UniversalAttack
{
    private const double Smallest = 1e-12;

    /// <inheritdoc/>
    public override string Name => "uap";

    /// <inheritdoc/>
    [Option("images", "training images it learns from", Min = 1)]
    public override int TrainingImages { get; init; } = 1000;

    /// <summary>δ: the share of training images that may be left when it stops.</summary>
    [Option("delta", "stop when at most this share of them is left")]
    public double Left { get; init; } = 0.2;

    /// <summary>The most passes over the training images.</summary>
    [Option("passes", "most passes over them", Min = 1)]
    public int Passes { get; init; } = 5;

    /// <summary>The images whose steps are added before the next ones are judged.</summary>
    [Option("batch", "images whose steps are added at once", Min = 1)]
    public int BatchSize { get; init; } = 100;

    /// <summary>The most steps of DeepFool for an image.</summary>
    [Option("steps", "most steps of DeepFool", Min = 1)]
    public int Steps { get; init; } = 10;

    /// <inheritdoc/>
    protected override Tensor Learn(
        IClassifier model,
        Batch data,
        double epsilon,
        IProgress<double> progress,
        CancellationToken cancellation
    )
    {
        using var scope = NewDisposeScope();
        var lanes = new TrainingLanes(data, BatchSize, data.Random.Seed(0));
        Tensor v = zeros([1, .. data.Images.shape.AsSpan(1)]);
        Tensor best = v.clone();
        double fooled = 0;
        for (int pass = 0; pass < Passes && fooled < 1 - Left; pass++)
        {
            foreach (long[][] rows in lanes.Epoch(pass))
            {
                using var inner = NewDisposeScope();
                Tensor sum = lanes.Sum(rows, batch => [Further(model, batch, v)], cancellation)[0];
                v.copy_(Project(v + sum, epsilon));
                sum.Dispose();
            }

            using Tensor count = lanes.Sum(
                lanes.Everything(),
                batch => [Reached(model, batch, v).to(ScalarType.Float32).sum()],
                cancellation
            )[0];
            double share = count.Item() / data.Count;
            if (share > fooled)
            {
                fooled = share;
                best.copy_(v);
            }

            progress.Report((pass + 1.0) / Passes);
        }

        return scope.MoveToOuter(best);
    }

    // The sum of the steps that take the images of a batch, where v leaves them, across the boundary.
    private Tensor Further(IClassifier model, Batch batch, Tensor v)
    {
        long[] left = Rows.Where(Reached(model, batch, v).ToArray<bool>(), false);
        if (left.Length == 0)
            return zeros_like(v);
        Batch rest = batch.Select(left);
        Tensor moved = (rest.Images + v).clamp(0.0, 1.0);
        Tensor crossed = new DeepFool { Norm = Norm, Steps = Steps }.Perturb(model, rest.WithImages(moved));
        return (crossed - moved).sum(dim: 0, true);
    }

    private Tensor Project(Tensor v, double epsilon) =>
        Norm == Norm.Linf
            ? v.clamp(-epsilon, epsilon)
            : v * (epsilon / Norm.Of(v, keepdim: true).clamp_min(Smallest)).clamp_max(1.0);

    private static Tensor Reached(IClassifier model, Batch batch, Tensor v) =>
        batch.Goal.IsReached(model.Predict(batch.With((batch.Images + v).clamp(0.0, 1.0))));
}
