using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// The L2 attack of Carlini and Wagner (2016, 1608.04644): Adam on w, with x' = (tanh(w) + 1)/2 in the box by
/// construction, minimizes |x' - x|² + c·max(κ - margin(x'), 0); a binary search over c, for each image by itself,
/// looks for the smallest perturbation that still succeeds. An image for which none is found is returned clean. As in
/// the authors' code: Adam starts afresh for each c; c grows tenfold until the first success; the tenth of ten or more
/// searches uses the best upper bound. Deviations: the descent starts with pixels at least 0.002 inside the box,
/// because from 1e-6, the authors' value, a black pixel needs hundreds of Adam's steps to move at all; distances are
/// those from the clean image; 1,000 iterations where the paper has 10,000, and the early abort is judged for each
/// image, not over the batch.
/// </summary>
public sealed record CarliniWagnerL2 : IAttack<IClassifier>
{
    private const double Start = 0.002;

    /// <inheritdoc/>
    public string Name => "cw-l2";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>The number of constants c that are tried for each image.</summary>
    [Option("steps", "constants tried in the binary search", Min = 1)]
    public int SearchSteps { get; init; } = 9;

    /// <summary>The number of Adam's steps for each constant.</summary>
    [Option("iterations", "steps of Adam for each constant", Min = 1)]
    public int Iterations { get; init; } = 1000;

    /// <summary>Adam's learning rate, in the space of w.</summary>
    [Option("lr", "Adam's learning rate")]
    public double LearningRate { get; init; } = 0.01;

    /// <summary>The first constant c.</summary>
    [Option("c", "the first constant")]
    public double InitialConstant { get; init; } = 1e-3;

    /// <summary>κ: by how much the wrong logit must exceed the others.</summary>
    [Option("confidence", "by how much the wrong logit must win")]
    public double Confidence { get; init; }

    /// <summary>Whether an image stops when its loss has not fallen by 0.01 % over a tenth of the iterations.</summary>
    [Option("abort-early", "stop an image whose loss no longer falls")]
    public bool AbortEarly { get; init; } = true;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        var best = new BestSoFar(images);
        var constants = new ConstantSearch(batch.Count, InitialConstant);
        for (int search = 0; search < SearchSteps; search++)
        {
            if (search >= 9 && search == SearchSteps - 1)
                constants.UseSuccesses();
            Descend(model, batch, constants, best);
            constants.Next();
        }

        return scope.MoveToOuter(best.Images);
    }

    // One descent of every image with its constant.
    private void Descend(IClassifier model, Batch batch, ConstantSearch constants, BestSoFar best)
    {
        using var scope = NewDisposeScope();
        long[] rows = Rows.All(batch.Count);
        var descent = new TanhDescent(batch.Images.clamp(Start, 1 - Start));
        Tensor clean = batch.Images;
        Tensor c = Rows.Column(constants.Values).reshape(-1);
        var abort = new EarlyAbort(batch.Count, Iterations);
        for (int iteration = 1; iteration <= Iterations; iteration++)
        {
            float[] losses = Step();
            long[] stay = AbortEarly ? abort.Remaining(iteration, losses) : rows;
            if (stay.Length == 0)
                break;
            if (stay.Length == rows.Length)
                continue;
            (batch, rows, c) = (batch.Select(stay), rows.At(stay), c.At(stay));
            (clean, descent) = (clean.At(stay), descent.Select(stay));
        }

        float[] Step()
        {
            using var inner = NewDisposeScope();
            Tensor point = descent.Images;
            Tensor delta = point - clean;
            Tensor distances = delta.pow(2.0).SumPerImage();

            // c·f(x') with f(x') = max(κ - margin(x'), 0).
            Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
            LossGradient pass = model.Gradient(
                batch.With(point),
                logits => c * (Confidence - margin(logits)).clamp_min(0.0)
            );
            Tensor reserves = margin(pass.Logits) - Confidence;
            constants.Mark(best.Take(point, reserves, distances, rows));

            descent.Step((2 * delta) + pass.Gradient, LearningRate);
            return (distances + pass.Losses).ToArray<float>();
        }
    }
}
