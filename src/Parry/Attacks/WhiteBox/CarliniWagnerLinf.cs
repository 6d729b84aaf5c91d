using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// The Linf attack of Carlini and Wagner (2016, 1608.04644): Adam in tanh space minimizes c·max(-margin, 0) + Σ max(|δ|
/// - τ, 0), which pushes back only what exceeds τ. Each time that succeeds, τ becomes 0.9 of the largest change and the
/// descent goes on from the image found; when it does not within 1,000 iterations, c doubles, up to 20. It ends when c
/// or τ, at 1/256, is exhausted. Untargeted or targeted. As in the authors' code: τ starts at 1, c at 1e-5, a learning
/// rate of 0.005, and success means a loss below 1e-4·c. Every image has its own c and τ and leaves by itself.
/// Deviations: a descent whose loss no longer falls by 0.01 % over a tenth of the iterations counts as failed, and the
/// next one goes on from where it stands: with a small c, Adam takes more than 1,000 steps to move a black pixel at
/// all.
/// </summary>
public sealed record CarliniWagnerLinf : IAttack<IClassifier>
{
    private const double SmallestBound = 1 / 256.0;
    private const double Factor = 2;

    /// <inheritdoc/>
    public string Name => "cw-linf";

    /// <inheritdoc/>
    public Norm Norm => Norm.Linf;

    /// <summary>The number of Adam's steps after which c doubles.</summary>
    [Option("iterations", "steps of Adam after which c doubles", Min = 1)]
    public int Iterations { get; init; } = 1000;

    /// <summary>Adam's learning rate, in the space of w.</summary>
    [Option("lr", "Adam's learning rate")]
    public double LearningRate { get; init; } = 5e-3;

    /// <summary>The first constant c.</summary>
    [Option("c", "the first constant")]
    public double InitialConstant { get; init; } = 1e-5;

    /// <summary>The constant c at which an image is given up.</summary>
    [Option("largest-c", "the constant at which an image is given up")]
    public double LargestConstant { get; init; } = 20;

    /// <summary>By what τ is multiplied after a success; nearer to 1 is finer and slower.</summary>
    [Option("decrease", "what the bound is multiplied by after a success")]
    public double Decrease { get; init; } = 0.9;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        long[] rows = Rows.All(batch.Count);
        Tensor results = images.clone();
        double[] bounds = [.. rows.Select(_ => 1.0)];
        var escalation = new Escalation(batch.Count, InitialConstant, Factor, LargestConstant, Iterations);
        var descent = new TanhDescent(images);
        while (true)
        {
            bool[] leaves = Step();
            long[] stay = Rows.Where(leaves, false);
            if (stay.Length == 0)
                return scope.MoveToOuter(results);
            if (stay.Length == rows.Length)
                continue;
            (batch, rows, bounds) = (batch.Select(stay), rows.At(stay), bounds.At(stay));
            (escalation, descent) = (escalation.Select(stay), descent.Select(stay));
        }

        bool[] Step()
        {
            using var inner = NewDisposeScope();
            Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
            Tensor point = descent.Images;
            Tensor weights = tensor(escalation.Constants.Select(c => (float)c).ToArray());
            LossGradient pass = model.Gradient(batch.With(point), logits => weights * (-margin(logits)).clamp_min(0.0));

            Tensor delta = point - batch.Images;
            Tensor size = delta.abs();
            Tensor excess = (size - Rows.Column(bounds)).clamp_min(0.0);
            Tensor loss = pass.Losses + excess.SumPerImage();
            Tensor reached = batch.Goal.IsReachedBy(pass.Logits);
            bool[] worked = reached.logical_and(loss < 1e-4 * weights).ToArray<bool>();
            float[] largest = size.MaxPerImage().ToArray<float>();
            bool[] failed = escalation.Fails(loss.ToArray<float>(), descent.Steps);
            descent.Step((delta.sign() * excess.sign()) + pass.Gradient, LearningRate);

            long[] better = Rows.Where(worked, true);
            if (better.Length > 0)
                results.Put(rows.At(better), point.At(better));
            foreach (long i in better)
            {
                bounds[i] = Math.Min(bounds[i], largest[i]) * Decrease;
                failed[i] = false;
            }

            bool[] exhausted = escalation.Raise(failed);
            long[] again = Rows.Where([.. worked.Zip(failed, (success, failure) => success || failure)], true);
            descent.Restart(again, point.At(again));
            return [.. exhausted.Select((over, i) => over || bounds[i] < SmallestBound)];
        }
    }
}
