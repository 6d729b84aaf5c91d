using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Defenses.Purifiers;
using Parry.Generative;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Breaks;

/// <summary>
/// The overpowered attack, which breaks Defense-GAN in the final version of the robust manifold paper (Ilyas, Jalal,
/// Asteri, Daskalakis, Dimakis, 2017, 1712.09196). It looks for an image G(z) within the budget that the classifier
/// still misclassifies when any vector of length ρ is added, so that the projection of the defense may miss it by as
/// much. From the image's projection, z minimizes the mean of -margin(G(z) + r) over random vectors r of length ρ, plus
/// λ·d(z), where d is the mean squared distance to the image and counts only beyond half the budget. λ rises while the
/// budget is exceeded and falls otherwise.
/// </summary>
/// <remarks>
/// Several ρ are tried. The defended model is asked after each, and images that fool it are done. The authors' settings
/// are 20 starts of up to 50,000 steps for the projection, then 10,000 steps with 100 vectors for each ρ, and again
/// with 200 and 300 at ρ = 3. The defaults here are far cheaper, about as cheap as <see cref="OnManifold"/>.
/// Deviations: there is one z for all vectors, which are drawn anew in each step, where the code keeps a copy of z for
/// each; λ stays at 0 or above. The defended model is asked for labels only. Gradients are those of the classifier and
/// the generator, which the attacker has, and no meter counts them.
/// </remarks>
/// <param name="Generator">G, which draws images.</param>
/// <param name="Classifier">The classifier behind the defense.</param>
public sealed record Overpowered(ILatentModel Generator, IClassifier Classifier) : IBudgetAttack<IClassifier>
{
    /// <summary>The attack as evaluations run it on a projection.</summary>
    public static KnownBreak Known { get; } =
        new("overpowered", (defense, classifier) => new Overpowered(defense.Projection.Generator, classifier));

    /// <inheritdoc/>
    public string Name => "overpowered";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <inheritdoc/>
    public double Epsilon { get; init; } = 4;

    /// <summary>Random starts of the image's projection; 20 in the paper.</summary>
    public int Starts { get; init; } = 2;

    /// <summary>Steps of that projection; up to 50,000 in the paper.</summary>
    public int ProjectionSteps { get; init; } = 100;

    /// <summary>ρ for each trial: the length of the random vectors.</summary>
    public IReadOnlyList<double> Lengths { get; init; } = [2.5, 3, 3.5];

    /// <summary>Random vectors in each step; 100 in the paper.</summary>
    public int Vectors { get; init; } = 4;

    /// <summary>Steps of each trial; up to 10,000 in the paper.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>Adam's step size in z; twice as large for the projection.</summary>
    public double LearningRate { get; init; } = 0.05;

    /// <summary>The first λ.</summary>
    public double FirstMultiplier { get; init; } = 1000;

    /// <summary>Step size of λ, for distances averaged over pixels.</summary>
    public double DualRate { get; init; } = 10_000;

    /// <summary>A vector counts as successful when the margin, in logits, is at least this.</summary>
    public double Confidence { get; init; } = 1;

    /// <summary>An image within the budget is done when this share of its vectors is successful.</summary>
    public double Share { get; init; } = 0.9;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        using var scope = NewDisposeScope();
        Tensor start = LatentDescent.Project(
            Generator,
            batch.Images,
            batch.Random,
            Starts,
            ProjectionSteps,
            2 * LearningRate
        );
        Tensor[] results = [.. epsilons.Select(epsilon => TryLengths(model, batch, start, epsilon))];
        return scope.MoveAllToOuter(results);
    }

    private Tensor TryLengths(IClassifier model, Batch batch, Tensor start, double epsilon)
    {
        var survivors = new Survivors(batch);
        for (int trial = 0; trial < Lengths.Count; trial++)
        {
            double length = Lengths[trial];
            SampleRandom random = batch.Random.Fork(1 + trial);
            survivors.Attack(
                (left, rows) =>
                {
                    Tensor attempt = Descend(left.WithRandom(random), start.At(rows), epsilon, length);
                    Tensor reached = left.Goal.IsReached(model.Predict(left.With(attempt)));
                    return (attempt, reached.ToArray<bool>());
                }
            );
        }

        return survivors.Images;
    }

    // Returns the point within the budget with the largest mean margin; the clean image where there was none.
    private Tensor Descend(Batch batch, Tensor start, double epsilon, double length)
    {
        using var scope = NewDisposeScope();
        int pixels = Generator.Shape.Pixels;
        double budget = epsilon * epsilon / pixels;
        Tensor best = batch.Images.clone();
        Tensor highest = full([batch.Count], double.NegativeInfinity);
        Tensor multipliers = full([batch.Count], FirstMultiplier);
        long[] active = Rows.All(batch.Count);
        bool[] done = [];
        Batch copies = batch.Repeat(Vectors);
        var descent = new LatentDescent(Generator, start, LearningRate);
        for (int step = 0; step < Steps; step++)
        {
            descent.Step(drawn => Gradient(drawn, step));
            long[] open = Rows.Where(done, false);
            if (open.Length == 0)
                break;
            if (open.Length == active.Length)
                continue;
            descent.Keep(open);
            active = active.At(open);
            batch = batch.Select(open);
            copies = batch.Repeat(Vectors);
        }

        return scope.MoveToOuter(best);

        // Of mean(-margin(G(z) + r)) + λ·d(z) with respect to G(z). It also keeps the best points and updates λ.
        Tensor Gradient(Tensor drawn, int step)
        {
            long[] shape = [Vectors, .. drawn.shape[1..]];
            Tensor r = length * Direction.Unit(batch.Random.Normal(step, shape).flatten(0, 1));
            Tensor shifted = drawn.repeat_interleave(Vectors, 0) + r;
            LossGradient pass = Classifier.Gradient(copies.With(shifted), AttackLoss.Margin(copies.Goal));
            Tensor margins = pass.Losses.reshape(-1, Vectors);
            Tensor mean = margins.mean([1]);
            Tensor change = drawn - batch.Images;
            Tensor d = change.pow(2).MeanPerImage();

            Tensor within = d <= budget;
            Tensor better = within & (mean > highest.At(active));
            best.Put(active, where(better.reshape(-1, 1, 1, 1), drawn, best.At(active)));
            highest.Put(active, where(better, mean, highest.At(active)));
            done = (within & ((margins >= Confidence).sum(1) >= Share * Vectors)).ToArray<bool>();

            Tensor lambda = multipliers.At(active);
            multipliers.Put(active, (lambda + (DualRate * (d - budget))).clamp_min(0));
            Tensor weight = (lambda * (d > budget / 2)).reshape(-1, 1, 1, 1);
            Tensor marginGradient = pass.Gradient.reshape([-1, .. shape]).mean([1]);
            return (weight * 2 / pixels * change) - marginGradient;
        }
    }
}
