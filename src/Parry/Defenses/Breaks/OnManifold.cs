using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Defenses.Purifiers;
using Parry.Generative;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Breaks;

/// <summary>
/// The on-manifold attack on defenses that project onto what a generator draws (Athalye, Carlini, Wagner, 2018,
/// 1802.00420): an image that the generator itself draws is a fixed point of a perfect projection, so Carlini and
/// Wagner's attack is run on the latent vector, |G(z) - x|² + c·max(0, margin + κ), and gives G(z). It starts at the
/// image's own projection, the best of several descents. Minimal L2, untargeted or targeted. Adam 0.1 as in the
/// authors' code, which takes 30 starts of 3,000 steps and 5 searches of 30,000; fewer here by default. Deviation: κ is
/// above 0, because projections are not perfect: what is misclassified by little is right again once projected. The
/// gradients are those of the classifier behind the defense and of the generator, which the attacker has; the meter,
/// which sees the defended classifier, counts none.
/// </summary>
public sealed record OnManifold(ILatentModel Generator, IClassifier Classifier) : IAttack<IClassifier>
{
    /// <inheritdoc/>
    public string Name => "on-manifold";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>Random starts of the projection of the image.</summary>
    public int Starts { get; init; } = 2;

    /// <summary>Steps of that projection.</summary>
    public int ProjectionSteps { get; init; } = 50;

    /// <summary>Weights c that are tried for each image.</summary>
    public int Searches { get; init; } = 3;

    /// <summary>Steps of the attack with each weight.</summary>
    public int Steps { get; init; } = 80;

    /// <summary>Adam's step size.</summary>
    public double LearningRate { get; init; } = 0.1;

    /// <summary>The first weight c.</summary>
    public double FirstConstant { get; init; } = 1;

    /// <summary>κ: by how much another logit is to win.</summary>
    public double Confidence { get; init; } = 2;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        Goal goal = batch.Goal;
        SampleRandom random = batch.Random;
        using var scope = NewDisposeScope();
        int count = (int)images.size(0);
        Tensor start = LatentDescent.Project(Generator, images, random, Starts, ProjectionSteps, LearningRate);
        Func<Tensor, Tensor> margin = AttackLoss.Margin(goal);
        var best = new BestSoFar(images);
        var search = new ConstantSearch(count, FirstConstant);
        for (int trial = 0; trial < Searches; trial++)
        {
            using var inner = NewDisposeScope();
            Tensor constants = Rows.Column(search.Values);
            var descent = new LatentDescent(Generator, start, LearningRate);
            for (int step = 0; step < Steps; step++)
                descent.Step(drawn =>
                {
                    LossGradient pass = Classifier.Gradient(
                        batch.With(drawn),
                        logits => (Confidence - margin(logits)).clamp_min(0.0)
                    );
                    Tensor margins = margin(pass.Logits) - Confidence;
                    Tensor change = drawn.sub(images);
                    best.Take(drawn, margins, Norm.Of(change));
                    search.Mark(margins > 0);
                    return change.mul(2.0).add(pass.Gradient.mul(constants));
                });
            search.Next();
        }

        return scope.MoveToOuter(best.Images.clone());
    }
}
