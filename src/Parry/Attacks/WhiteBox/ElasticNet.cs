using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// EAD, the elastic-net attack (Chen, Sharma, Zhang, Yi, Hsieh, 2017, 1709.04114): minimizes c·max(κ - margin, 0) +
/// β|δ|₁ + |δ|₂² by gradient steps, after each of which every change shrinks by β, so that small ones vanish; a binary
/// search over c for each image. Few pixels change. Smallest L1 (or elastic-net distance), untargeted or targeted. The
/// paper's β = 1e-3, 9 searches of 1,000 iterations, and a learning rate of 0.01 that falls with the square root. Steps
/// have FISTA's momentum k/(k + 3), as in the authors' code; without it they are ISTA's, the paper's other form.
/// Deviations: there is no early abort unless it is asked for, because it hurts the momentum, and then it is judged for
/// each image; with momentum an image is judged where the gradient is taken anyway, which the momentum may have carried
/// past the shrunken point, and that point is clipped to the box.
/// </summary>
public sealed record ElasticNet : IAttack<IClassifier>
{
    /// <inheritdoc/>
    public string Name => "ead";

    /// <inheritdoc/>
    public Norm Norm => Norm.L1;

    /// <summary>The number of constants c that are tried for each image.</summary>
    [Option("steps", "constants tried in the binary search", Min = 1)]
    public int SearchSteps { get; init; } = 9;

    /// <summary>The number of steps for each constant.</summary>
    [Option("iterations", "steps for each constant", Min = 1)]
    public int Iterations { get; init; } = 1000;

    /// <summary>The size of the first step.</summary>
    [Option("lr", "size of the first step")]
    public double LearningRate { get; init; } = 0.01;

    /// <summary>The first constant c.</summary>
    [Option("c", "the first constant")]
    public double InitialConstant { get; init; } = 1e-3;

    /// <summary>β: the weight of the L1 distance, and by how much changes shrink in a step.</summary>
    [Option("beta", "weight of the L1 distance")]
    public double Beta { get; init; } = 1e-3;

    /// <summary>κ: by how much the wrong logit must exceed the others.</summary>
    [Option("confidence", "by how much the wrong logit must win")]
    public double Confidence { get; init; }

    /// <summary>Which of the successful images is kept.</summary>
    [Option("rule", "the distance by which the nearest image is chosen")]
    public ElasticNetRule Rule { get; init; } = ElasticNetRule.ElasticNet;

    /// <summary>Whether steps have FISTA's momentum; without it they are ISTA's.</summary>
    [Option("momentum", "FISTA's momentum")]
    public bool Momentum { get; init; } = true;

    /// <summary>Whether an image stops when its loss has not fallen by 0.01 % over a tenth of the iterations.</summary>
    [Option("abort-early", "stop an image whose loss no longer falls")]
    public bool AbortEarly { get; init; }

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        using var scope = NewDisposeScope();
        var best = new BestSoFar(batch.Images);
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
        Tensor point = batch.Images.clone();
        Tensor shrunken = batch.Images.clone();
        Tensor c = Rows.Column(constants.Values).reshape(-1);
        var abort = new EarlyAbort(batch.Count, Iterations);
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            float[] losses = Step(iteration);
            long[] stay = AbortEarly ? abort.Remaining(iteration + 1, losses) : rows;
            if (stay.Length == 0)
                break;
            if (stay.Length == rows.Length)
                continue;
            (batch, rows, c) = (batch.Select(stay), rows.At(stay), c.At(stay));
            (point, shrunken) = (point.At(stay), shrunken.At(stay));
        }

        float[] Step(int iteration)
        {
            using var inner = NewDisposeScope();
            Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
            LossGradient pass = model.Gradient(
                batch.With(point),
                logits => c * (Confidence - margin(logits)).clamp_min(0.0)
            );
            Tensor delta = point - batch.Images;
            Tensor l1 = Norm.L1.Of(delta, keepdim: true);
            Tensor elastic = (delta * delta).SumPerImage(keepdim: true) + (Beta * l1);
            Tensor reserves = margin(pass.Logits) - Confidence;
            constants.Mark(best.Take(point, reserves, Rule == ElasticNetRule.L1 ? l1 : elastic, rows));

            // ISTA, or FISTA with momentum: a step against the gradient, then values shrink by β.
            double rate = LearningRate * Math.Sqrt(1 - ((double)iteration / Iterations));
            Tensor slope = (2 * delta) + pass.Gradient;
            Tensor moved = delta - (rate * slope);
            Tensor soft = moved.sign() * (moved.abs() - Beta).clamp_min(0.0);
            Tensor next = (batch.Images + soft).clamp(0.0, 1.0);
            double momentum = Momentum ? iteration / (iteration + 3.0) : 0;
            point.copy_((next + (momentum * (next - shrunken))).clamp(0.0, 1.0));
            shrunken.copy_(next);
            return (pass.Losses + elastic.reshape(-1)).ToArray<float>();
        }
    }
}
