using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Defenses.Purifiers;
using Parry.Generative;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Defenses.Breaks;

/// <summary>
/// The on-manifold attack on defenses that project onto what a generator G draws (Athalye, Carlini, Wagner, 2018,
/// 1802.00420). A perfect projection leaves an image that G draws as it is. So Carlini and Wagner's L2 attack runs on
/// the latent vector: z minimizes |G(z) - x|² + c·max(0, κ - margin(G(z))) from the projection of the image, and G(z)
/// is the adversarial example. Untargeted or targeted.
/// </summary>
/// <remarks>
/// Adam's step size is 0.1 as in the authors' code, which takes 30 starts of 3,000 steps and 5 searches of 30,000; the
/// defaults here are far cheaper. Deviation: κ is above 0, because projections are not perfect: an image that is
/// misclassified by a small margin is classified correctly again once it is projected. Gradients are those of the
/// classifier behind the defense and of the generator, which the attacker has; the meter, which sees the defended
/// classifier, counts none of them.
/// </remarks>
/// <param name="Generator">G, which draws images.</param>
/// <param name="Classifier">The classifier behind the defense.</param>
public sealed record OnManifold(ILatentModel Generator, IClassifier Classifier) : IAttack<IClassifier>
{
    /// <summary>The attack as evaluations run it on a projection.</summary>
    public static KnownBreak Known { get; } =
        new("on-manifold", (defense, classifier) => new OnManifold(defense.Projection.Generator, classifier));

    /// <inheritdoc/>
    public string Name => "on-manifold";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>Random starts of the image's projection.</summary>
    public int Starts { get; init; } = 2;

    /// <summary>Steps of that projection.</summary>
    public int ProjectionSteps { get; init; } = 50;

    /// <summary>How many weights c are tried for each image.</summary>
    public int Searches { get; init; } = 3;

    /// <summary>Steps of the attack for each weight.</summary>
    public int Steps { get; init; } = 80;

    /// <summary>Adam's step size.</summary>
    public double LearningRate { get; init; } = 0.1;

    /// <summary>The first weight c.</summary>
    public double FirstConstant { get; init; } = 1;

    /// <summary>κ: the margin, in logits, by which the image must be misclassified.</summary>
    public double Confidence { get; init; } = 2;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        using var scope = NewDisposeScope();
        Tensor x = batch.Images;
        Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
        Tensor start = LatentDescent.Project(Generator, x, batch.Random, Starts, ProjectionSteps, LearningRate);
        var best = new BestSoFar(x);
        var search = new ConstantSearch(batch.Count, FirstConstant);
        for (int trial = 0; trial < Searches; trial++)
        {
            using var inner = NewDisposeScope();
            Tensor c = Rows.Column(search.Values);
            var descent = new LatentDescent(Generator, start, LearningRate);
            for (int step = 0; step < Steps; step++)
                descent.Step(drawn => Gradient(drawn, c));
            search.Next();
        }

        return scope.MoveToOuter(best.Images);

        // Of |G(z) - x|² + c·max(0, κ - margin) with respect to G(z).
        Tensor Gradient(Tensor drawn, Tensor c)
        {
            LossGradient hinge = Classifier.Gradient(
                batch.With(drawn),
                logits => (Confidence - margin(logits)).clamp_min(0)
            );
            Tensor change = drawn - x;
            Tensor margins = margin(hinge.Logits) - Confidence;
            search.Mark(best.Take(drawn, margins, Norm.Of(change)));
            return (2 * change) + (c * hinge.Gradient);
        }
    }
}
