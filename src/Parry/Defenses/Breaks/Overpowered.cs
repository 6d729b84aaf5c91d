using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Defenses.Purifiers;
using Parry.Generative;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Breaks;

/// <summary>
/// The attack that breaks Defense-GAN in the final version of the robust manifold defense (Ilyas, Jalal, Asteri,
/// Daskalakis, Dimakis, 2017, 1712.09196): an image G(z) within the budget that the classifier gets wrong in all
/// directions around it. From the image's projection, z lowers the mean over random vectors r of length ρ of
/// -margin(G(z) + r), plus λ d(z) for the mean squared distance d to the image where that exceeds half the budget's; λ
/// rises while the budget is exceeded and falls otherwise. What is wrong by a margin within ρ stays wrong when the
/// projection of the defense misses by as much. Several ρ are tried, and the defended model is asked each time; an
/// image leaves once one has worked.
/// </summary>
/// <remarks>
/// The authors' settings: 20 starts of up to 50,000 steps for the projection, then 10,000 steps with 100 vectors for
/// each ρ, and again with 200 and 300 at ρ = 3. The defaults here are far cheaper, about the price of the attack on the
/// manifold. Deviations: one z for all vectors, which are drawn anew in each step, where the code keeps a copy of z for
/// each; λ stays at 0 or above. Of the defended model it asks only for labels; gradients are those of the classifier
/// and the generator, which the attacker has, and no meter counts them.
/// </remarks>
/// <param name="Generator">What draws images.</param>
/// <param name="Classifier">The classifier behind the defense.</param>
public sealed record Overpowered(ILatentModel Generator, IClassifier Classifier) : IBudgetAttack<IClassifier>
{
    /// <inheritdoc/>
    public string Name => "overpowered";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <inheritdoc/>
    public double Epsilon { get; init; } = 4;

    /// <summary>Random starts of the projection of the image: 20 in the paper.</summary>
    public int Starts { get; init; } = 2;

    /// <summary>Steps of that projection: up to 50,000 in the paper.</summary>
    public int ProjectionSteps { get; init; } = 100;

    /// <summary>ρ of each trial: the lengths of the random vectors.</summary>
    public IReadOnlyList<double> Lengths { get; init; } = [2.5, 3, 3.5];

    /// <summary>Random vectors of each step: 100 in the paper.</summary>
    public int Vectors { get; init; } = 4;

    /// <summary>Steps of each trial: up to 10,000 in the paper.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>Adam's step size in z; twice as large for the projection.</summary>
    public double LearningRate { get; init; } = 0.05;

    /// <summary>The first λ.</summary>
    public double FirstMultiplier { get; init; } = 1000;

    /// <summary>Step size of λ, for distances averaged over pixels.</summary>
    public double DualRate { get; init; } = 10_000;

    /// <summary>The margin, in logits, from which a vector counts as won.</summary>
    public double Confidence { get; init; } = 1;

    /// <summary>The share of won vectors at which an image within the budget is done.</summary>
    public double Share { get; init; } = 0.9;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        Tensor images = batch.Images;
        SampleRandom random = batch.Random;
        using var scope = NewDisposeScope();
        Tensor start = LatentDescent.Project(Generator, images, random, Starts, ProjectionSteps, 2 * LearningRate);
        Tensor[] results =
        [
            .. epsilons.Select(epsilon =>
            {
                var survivors = new Survivors(batch);
                for (int trial = 0; trial < Lengths.Count; trial++)
                {
                    survivors.Attack(
                        (left, rows) =>
                        {
                            Tensor attempt = Climb(
                                Classifier,
                                left.WithRandom(left.Random.Fork(1 + trial)),
                                start.At(rows),
                                epsilon,
                                Lengths[trial]
                            );
                            return (attempt, left.Goal.IsReached(model.Predict(left.With(attempt))).ToArray<bool>());
                        }
                    );
                }

                return survivors.Images;
            }),
        ];
        return scope.MoveAllToOuter(results);
    }

    // Of the points within the budget the one with the largest mean margin; the clean image where there was none.
    private Tensor Climb(IClassifier model, Batch batch, Tensor start, double epsilon, double length)
    {
        using var scope = NewDisposeScope();
        double allowed = epsilon * epsilon / Generator.Shape.Pixels;
        Tensor best = batch.Images.clone();
        float[] highest = [.. Enumerable.Repeat(float.NegativeInfinity, batch.Count)];
        double[] multipliers = [.. Enumerable.Repeat(FirstMultiplier, batch.Count)];
        long[] active = Rows.All(batch.Count);
        Batch left = batch,
            copies = batch.Repeat(Vectors);
        var descent = new LatentDescent(Generator, start, LearningRate);
        for (int step = 0; step < Steps; step++)
        {
            var done = new bool[active.Length];
            descent.Step(drawn =>
            {
                Tensor noise = Direction
                    .Unit(left.Random.Normal(step, [Vectors, .. drawn.shape.AsSpan(1)]).flatten(0, 1))
                    .mul(length);
                LossGradient pass = model.Gradient(
                    copies.With(drawn.repeat_interleave(Vectors, 0).add(noise)),
                    AttackLoss.Margin(copies.Goal)
                );
                float[][] margins = [.. pass.Losses.ToArray<float>().Chunk(Vectors)];
                Tensor change = drawn.sub(left.Images);
                float[] errors = change.pow(2.0).mean([1, 2, 3]).ToArray<float>();
                long[] better = Rows.Where(
                    [.. active.Select((row, i) => errors[i] <= allowed && margins[i].Average() > highest[row])],
                    true
                );
                if (better.Length > 0)
                    best.Put(active.At(better), drawn.At(better));
                foreach (long i in better)
                    highest[active[i]] = margins[i].Average();
                Tensor pull = Rows.Column(
                        active.Select(
                            (row, i) => errors[i] > allowed / 2 ? multipliers[row] * 2 / Generator.Shape.Pixels : 0
                        )
                    )
                    .mul(change);
                for (int i = 0; i < active.Length; i++)
                {
                    done[i] =
                        errors[i] <= allowed && margins[i].Count(margin => margin >= Confidence) >= Share * Vectors;
                    multipliers[active[i]] = Math.Max(0, multipliers[active[i]] + (DualRate * (errors[i] - allowed)));
                }

                return pull.sub(pass.Gradient.reshape([left.Count, Vectors, .. drawn.shape.AsSpan(1)]).mean([1]));
            });
            long[] goOn = Rows.Where(done, false);
            if (goOn.Length == 0)
                break;
            if (goOn.Length == active.Length)
                continue;
            descent.Keep(goOn);
            active = active.At(goOn);
            left = left.Select(goOn);
            copies = left.Repeat(Vectors);
        }

        return scope.MoveToOuter(best);
    }
}
