using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// PGD, projected gradient descent (Madry, Makelov, Schmidt, Tsipras, Vladu, 2017, 1706.06083): from a random point of
/// the ball, steps of fixed length along the steepest direction of the loss, each followed by projection onto the ball
/// and clipping to the box. Linf, L2 and L1; in L1 the projection is onto ball and box at once, and the steps change
/// the hundredth of the pixels with the largest gradients (Tramèr and Boneh, 2019, 1904.13000). It returns the last
/// iterate that reached the goal, or the last of all where none did. Deviations: the length of a step follows the
/// budget, further restarts attack only what no climb has fooled yet, and a zero gradient in L2 and L1 is replaced by a
/// random direction.
/// </summary>
public sealed record ProjectedGradientDescent : IBudgetAttack<IClassifier>
{
    private readonly double? _epsilon;

    /// <inheritdoc/>
    public string Name => "pgd";

    /// <inheritdoc/>
    public GradientSteps GradientSteps => GradientSteps.Many;

    /// <summary>
    /// The largest perturbation, in the attack's norm; by default 0.3 in Linf, 2 in L2 and 10 in L1, the usual budgets
    /// for MNIST.
    /// </summary>
    [Option("eps", "the largest perturbation; 2 when the norm is l2, 10 when it is l1")]
    public double Epsilon
    {
        get => _epsilon ?? Ball.UsualRadius(Norm);
        init => _epsilon = value;
    }

    /// <summary>Linf, L2 or L1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.Linf, Norm.L2, Norm.L1)]
    public Norm Norm
    {
        get;
        init => field = value.Among(Norm.Linf, Norm.L2, Norm.L1);
    } = Norm.Linf;

    /// <summary>
    /// The length of a step; null makes it follow budget and steps: 2.5 ε/steps, enough to cross the ball from any
    /// start. The paper's 0.01 for 0.3 and 40 steps is not, and leaves more images standing.
    /// </summary>
    [Option("step", "length of a step; auto: 2.5 eps/steps, enough to cross the ball")]
    public double? Step { get; init; }

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 40;

    /// <summary>
    /// Whether the first climb starts at a random point of the ball, not at the image; later ones always do.
    /// </summary>
    [Option("random-start", "start the first climb at a random point of the ball")]
    public bool RandomStart { get; init; } = true;

    /// <summary>The number of climbs; each after the first attacks only what no climb has fooled yet.</summary>
    [Option("restarts", "number of climbs; each attacks what no climb has fooled yet", Min = 1)]
    public int Restarts { get; init; } = 1;

    /// <summary>The loss that is raised.</summary>
    [Option("loss", "what is raised")]
    public Objective Loss { get; init; } = Objective.CrossEntropy;

    /// <summary>
    /// Whether an image leaves as soon as it is adversarial, and larger budgets take over what smaller ones found.
    /// Faster, for when only success matters; images meant for a defense that the attack does not know should use the
    /// whole budget.
    /// </summary>
    [Option("early-stop", "let an image go as soon as it is adversarial")]
    public bool EarlyStop { get; init; }

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    /// <remarks>
    /// The budgets run side by side as one batch; with <see cref="EarlyStop"/> in ascending order, each attacking what
    /// the smaller ones did not fool.
    /// </remarks>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        using var scope = NewDisposeScope();
        return scope.MoveAllToOuter(
            EarlyStop
                ? Survivors.Ascending(batch, epsilons, (rows, epsilon) => Search(model, rows, [epsilon]))
                : SideBySide(model, batch, epsilons)
        );
    }

    private Tensor[] SideBySide(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        Tensor images = Search(model, batch.Repeat(epsilons.Count), epsilons).Images;
        Tensor byBudget = images.reshape([batch.Count, epsilons.Count, .. batch.Images.shape.AsSpan(1)]);
        return [.. byBudget.unbind(1).Select(one => one.contiguous())];
    }

    // The radii of the rows are the budgets in turn.
    private (Tensor Images, bool[] Reached) Search(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        var survivors = new Survivors(batch);
        for (int restart = 0; restart < Restarts; restart++)
        {
            int number = restart;
            survivors.Attack(
                (rest, rows) =>
                {
                    double[] radii = Array.ConvertAll(rows, row => epsilons[(int)(row % epsilons.Count)]);
                    return Climb(model, rest.WithRandom(rest.Random.Fork(number)), radii, RandomStart || number > 0);
                }
            );
        }

        return (survivors.Images, survivors.Reached);
    }

    private (Tensor Images, bool[] Reached) Climb(IClassifier model, Batch batch, double[] radii, bool randomStart)
    {
        Tensor images = batch.Images.clone();
        var reached = new bool[batch.Count];
        long[] rows = Rows.All(batch.Count);
        var ball = new Ball(Norm, batch.Images, radii);
        Tensor alpha = Rows.Column(radii.Select(epsilon => Step ?? (2.5 * epsilon / Steps)));
        Tensor point = randomStart ? ball.Draw(batch.Random) : batch.Images.clone();
        for (int step = 0; step < Steps; step++)
        {
            long[] stay;
            using (NewDisposeScope())
            {
                LossGradient pass = model.Gradient(batch.With(point), AttackLoss.Of(Loss, batch.Goal));
                stay = Keep(batch.Goal.IsReachedBy(pass.Logits));
                Tensor direction = ball.Steepest(point, pass.Gradient, batch.Random, 2 + step);
                point.copy_(ball.Project(point + (alpha * direction)));
            }

            if (!EarlyStop || stay.Length == rows.Length)
                continue;
            (batch, ball, rows) = (batch.Select(stay), ball.Select(stay), rows.At(stay));
            (alpha, point) = (alpha.At(stay), point.At(stay));
            if (rows.Length == 0)
                return (images, reached);
        }

        // The last iterate counts where it reaches the goal, or where no other has.
        Keep(batch.Goal.IsReached(model.Predict(batch.With(point))));
        long[] failed = Rows.Where(reached.At(rows), false);
        images.Put(rows.At(failed), point.At(failed));
        return (images, reached);

        // Keeps the points that reach the goal; returns the positions of the others.
        long[] Keep(Tensor hit)
        {
            bool[] hits = hit.ToArray<bool>();
            long[] fooled = Rows.Where(hits, true);
            images.Put(rows.At(fooled), point.At(fooled));
            foreach (long row in rows.At(fooled))
                reached[row] = true;
            return Rows.Where(hits, false);
        }
    }
}
