using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Breaks;

/// <summary>
/// Carlini and Wagner's attack on models with detectors (2017, 1711.08478, against MagNet): Adam in tanh space
/// minimizes |x' - x|² + c·max(κ - margin(x'), 0) + c₂·Σ max(0, score(x') - threshold), with a search over c for each
/// image. Only an image that is misclassified and that no detector refuses counts; an image for which none is found is
/// returned clean.
/// </summary>
/// <remarks>
/// Deviations: 1,000 iterations where their code has 10,000; κ is 0, since the attacker has the defender's
/// auto-encoders and transfers nothing. Gradients of the model are metered; those of the detectors, which are the
/// attacker's copies, are not.
/// </remarks>
/// <param name="Detectors">What must not refuse the image; all of them can be differentiated.</param>
public sealed record DetectorEvasion(IReadOnlyList<IDetector> Detectors) : IAttack<IClassifier>
{
    private static readonly long[] s_image = [1, 2, 3];

    /// <inheritdoc/>
    public string Name => "cw-l2-detectors";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>The number of constants c that are tried for each image.</summary>
    public int SearchSteps { get; init; } = 4;

    /// <summary>The number of Adam's steps for each constant.</summary>
    public int Iterations { get; init; } = 1000;

    /// <summary>Adam's learning rate, in tanh space.</summary>
    public double LearningRate { get; init; } = 0.01;

    /// <summary>The first constant c.</summary>
    public double InitialConstant { get; init; } = 1;

    /// <summary>c₂, the weight of the detectors, which stays.</summary>
    public double DetectorWeight { get; init; } = 1000;

    /// <summary>κ: by how much the wrong logit must exceed the others.</summary>
    public double Confidence { get; init; }

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        var best = new BestSoFar(images);
        var constants = new ConstantSearch(batch.Count, InitialConstant);
        for (int search = 0; search < SearchSteps; search++)
        {
            Descend(model, batch, constants, best);
            constants.Next();
        }

        long[] failed = Rows.Where(best.Distances.isfinite().ToArray<bool>(), false);
        best.Images.Put(failed, images.At(failed));
        return scope.MoveToOuter(best.Images);
    }

    // One descent of every image with its constant.
    private void Descend(IClassifier model, Batch batch, ConstantSearch constants, BestSoFar best)
    {
        using var scope = NewDisposeScope();
        var descent = new TanhDescent(batch.Images);
        Tensor weights = Rows.Column(constants.Values).reshape(-1);
        Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            using var inner = NewDisposeScope();
            Tensor point = descent.Images,
                change = point.sub(batch.Images);
            LossGradient pass = model.Gradient(
                batch.With(point),
                logits => (Confidence - margin(logits)).clamp_min(0.0).mul(weights)
            );
            var (noticed, away) = Notice(point, batch.Random.Fork(iteration));
            Tensor margins = (margin(pass.Logits) - Confidence).masked_fill(tensor(noticed), double.NegativeInfinity);
            constants.Mark(margins > 0);
            best.Take(point, margins, linalg.vector_norm(change, 2, s_image));
            descent.Step(change.mul(2.0).add_(pass.Gradient).add_(away), LearningRate);
        }
    }

    // Which images some detector refuses, and the gradient of c₂ times what their scores exceed thresholds by.
    private (bool[] Noticed, Tensor Gradient) Notice(Tensor point, SampleRandom random)
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        Tensor input = point.detach().requires_grad_(),
            excess = input.mul(0.0).sum();
        var noticed = new bool[point.size(0)];
        foreach (IDetector detector in Detectors)
        {
            Tensor scores = detector.Scores(input, random);
            float[] values = scores.detach().ToArray<float>();
            for (int i = 0; i < values.Length; i++)
                noticed[i] |= values[i] >= detector.Threshold;
            excess = excess.add(scores.sub(detector.Threshold).clamp_min(0.0).sum());
        }

        return (noticed, scope.MoveToOuter(Autograd.Grad(excess.mul(DetectorWeight), input)));
    }
}
