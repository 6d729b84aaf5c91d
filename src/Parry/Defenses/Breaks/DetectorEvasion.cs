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
/// auto-encoders and nothing has to transfer. Gradients of the model are metered; those of the detectors, which are the
/// attacker's copies, are not.
/// </remarks>
/// <param name="Detectors">The detectors to evade; all of them can be differentiated.</param>
public sealed record DetectorEvasion(IReadOnlyList<IDetector> Detectors) : IAttack<IClassifier>
{
    /// <summary>The attack as evaluations run it on MagNet.</summary>
    public static KnownBreak Known { get; } =
        new(
            "cw-l2 past the detectors",
            (defense, _) => new DetectorEvasion(defense.Detectors) { Iterations = 300, SearchSteps = 3 }
        );

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

    /// <summary>c₂: the weight of the detectors, the same all the time.</summary>
    public double DetectorWeight { get; init; } = 1000;

    /// <summary>κ: by how much the wrong logit must exceed the others.</summary>
    public double Confidence { get; init; }

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        using var scope = NewDisposeScope();
        var best = new BestSoFar(batch.Images);
        var search = new ConstantSearch(batch.Count, InitialConstant);
        for (int trial = 0; trial < SearchSteps; trial++)
        {
            Descend(model, batch, search, best);
            search.Next();
        }

        return scope.MoveToOuter(where(Rows.Column(best.Distances).isfinite(), best.Images, batch.Images));
    }

    // One descent of every image with its constant.
    private void Descend(IClassifier model, Batch batch, ConstantSearch search, BestSoFar best)
    {
        using var scope = NewDisposeScope();
        Tensor c = Rows.Column(search.Values).flatten();
        Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
        var descent = new TanhDescent(batch.Images);
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            using var inner = NewDisposeScope();
            Tensor point = descent.Images;
            Tensor change = point - batch.Images;
            LossGradient hinge = model.Gradient(
                batch.With(point),
                logits => c * (Confidence - margin(logits)).clamp_min(0)
            );
            var (refused, detectorGradient) = AskDetectors(point, batch.Random.Fork(iteration));
            Tensor margins = (margin(hinge.Logits) - Confidence).masked_fill(refused, double.NegativeInfinity);
            search.Mark(best.Take(point, margins, Norm.Of(change)));
            descent.Step((2 * change) + hinge.Gradient + detectorGradient, LearningRate);
        }
    }

    // Which images some detector refuses, and the gradient of c₂·Σ max(0, score - threshold).
    private (Tensor Refused, Tensor Gradient) AskDetectors(Tensor point, SampleRandom random)
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        Tensor input = point.detach().requires_grad_();
        Tensor refused = zeros([point.size(0)], ScalarType.Bool);
        Tensor excess = 0 * input.sum();
        foreach (IDetector detector in Detectors)
        {
            Tensor scores = detector.Scores(input, random);
            refused |= scores.detach() >= detector.Threshold;
            excess += (scores - detector.Threshold).clamp_min(0).sum();
        }

        Tensor gradient = Autograd.Grad(DetectorWeight * excess, input);
        return scope.MoveToOuter(refused, gradient);
    }
}
