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
/// budget, further restarts attack only what has withstood, and a zero gradient in L2 and L1 is replaced by a random
/// direction.
/// </summary>
public sealed record ProjectedGradientDescent : IBudgetAttack<IClassifier>
{
    private readonly double? _epsilon;

    /// <inheritdoc/>
    public string Name => "pgd";

    /// <summary>
    /// The largest perturbation, in the attack's norm; by default 0.3 in Linf, 2 in L2 and 10 in L1, the usual budgets
    /// for MNIST.
    /// </summary>
    [Option("eps", "the largest perturbation; 2 when the norm is l2, 10 when it is l1")]
    public double Epsilon
    {
        get =>
            _epsilon
            ?? (
                Norm == Norm.Linf ? 0.3
                : Norm == Norm.L2 ? 2
                : 10
            );
        init => _epsilon = value;
    }

    /// <summary>Linf, L2 or L1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.Linf, Norm.L2, Norm.L1)]
    public Norm Norm
    {
        get;
        init =>
            field =
                value != Norm.L0
                    ? value
                    : throw new ArgumentOutOfRangeException(
                        nameof(value),
                        $"PGD works in Linf, L2 and L1, not in {value}."
                    );
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

    /// <summary>The number of climbs; each after the first attacks only what has withstood.</summary>
    [Option("restarts", "number of climbs; each attacks what has withstood", Min = 1)]
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
    /// withstood the last.
    /// </remarks>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        using var scope = NewDisposeScope();
        return scope.MoveAllToOuter(EarlyStop ? Ascending(model, batch, epsilons) : SideBySide(model, batch, epsilons));
    }

    private Tensor[] SideBySide(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        int budgets = epsilons.Count;
        double[] radii = [.. Enumerable.Range(0, batch.Count * budgets).Select(row => epsilons[row % budgets])];
        Tensor found = Search(model, budgets == 1 ? batch : batch.Repeat(budgets), radii).Images;
        long[][] rows =
        [
            .. Enumerable
                .Range(0, budgets)
                .Select(budget => Rows.All(batch.Count).Select(row => (row * budgets) + budget).ToArray()),
        ];
        return [.. rows.Select(found.At)];
    }

    private Tensor[] Ascending(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        var results = new Tensor[epsilons.Count];
        Tensor images = batch.Images.clone();
        long[] withstood = Rows.All(batch.Count);
        foreach (int budget in Enumerable.Range(0, epsilons.Count).OrderBy(i => epsilons[i]))
        {
            if (withstood.Length > 0)
            {
                var (found, reached) = Search(
                    model,
                    batch.Select(withstood),
                    [.. withstood.Select(_ => epsilons[budget])]
                );
                images.Put(withstood, found);
                withstood = withstood.At(Rows.Where(reached, false));
            }

            results[budget] = images.clone();
        }

        return results;
    }

    private (Tensor Images, bool[] Reached) Search(IClassifier model, Batch batch, double[] radii)
    {
        using var scope = NewDisposeScope();
        Tensor images = batch.Images.clone();
        var reached = new bool[batch.Count];
        for (int restart = 0; restart < Restarts; restart++)
        {
            long[] withstood = Rows.Where(reached, false);
            if (withstood.Length == 0)
                break;
            Climb(model, batch.Select(withstood), radii.At(withstood), restart, withstood, images, reached);
        }

        return (scope.MoveToOuter(images), reached);
    }

    private void Climb(
        IClassifier model,
        Batch batch,
        double[] radii,
        int restart,
        long[] rows,
        Tensor images,
        bool[] reached
    )
    {
        using var scope = NewDisposeScope();
        var ball = new Ball(Norm, batch.Images, radii);
        Tensor steps = Rows.Column(radii.Select(radius => Step ?? (2.5 * radius / Steps)));
        Tensor point = RandomStart || restart > 0 ? ball.Draw(batch.Random.Fork(restart)) : batch.Images.clone();
        for (int step = 0; step < Steps; step++)
        {
            bool[] hit;
            using (NewDisposeScope())
            {
                LossGradient pass = model.Gradient(batch.With(point), AttackLoss.Of(Loss, batch.Goal));
                hit = batch.Goal.IsReached(pass.Logits.argmax(1)).ToArray<bool>();
                long[] hits = Rows.Where(hit, true);
                images.Put(rows.At(hits), point.At(hits));
                foreach (long row in rows.At(hits))
                    reached[row] = true;
                Tensor direction = ball.Steepest(point, pass.Gradient, batch.Random.Fork(restart), 2 + step);
                point.copy_(ball.Project(direction.mul_(steps).add_(point)));
            }

            if (!EarlyStop || !hit.Contains(true))
                continue;
            long[] stay = Rows.Where(hit, false);
            if (stay.Length == 0)
                return;
            (batch, ball, steps, point, rows) = (
                batch.Select(stay),
                ball.Select(stay),
                steps.At(stay),
                point.At(stay),
                rows.At(stay)
            );
        }

        // The last iterate counts when it reaches the goal, or when no other has.
        bool[] last = batch.Goal.IsReached(model.Predict(batch.With(point))).ToArray<bool>();
        long[] final = Rows.Where([.. rows.Select((row, i) => last[i] || !reached[row])], true);
        images.Put(rows.At(final), point.At(final));
        foreach (long row in rows.At(Rows.Where(last, true)))
            reached[row] = true;
    }
}
