using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// APGD (Croce and Hein, 2020, 2003.01690; L1: 2021, 2103.01208): PGD with momentum that chooses its own steps. At
/// checkpoints, each image by itself, a step that no longer pays is halved and the climb goes on from the best point.
/// Linf and L2; in L1 steps are sparse, and three balls of radius 3ε, 2ε and ε follow each other. Losses: cross
/// entropy, DLR, and DLR towards each of the likeliest wrong classes in turn. A wanted class is raised in place of all
/// of those. As in the authors' code: first step 2ε (L1: ε), ρ = 0.75, checkpoints after 22 % of the steps and then
/// ever 3 points sooner, down to 6 %. Deviations: an image leaves when it reaches the goal, which changes no verdict; a
/// zero gradient in L2 is replaced by a random direction; with several <see cref="Draws"/> logits are averaged like the
/// gradients.
/// </summary>
public sealed record AutoProjectedGradientDescent : IBudgetAttack<IClassifier>
{
    private readonly double? _epsilon;

    /// <inheritdoc/>
    public string Name => "apgd";

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

    /// <summary>The number of steps of each climb.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 100;

    /// <summary>
    /// The number of climbs from random starts; each after the first attacks only what no other has fooled.
    /// </summary>
    [Option("restarts", "number of climbs; each attacks what no other has fooled", Min = 1)]
    public int Restarts { get; init; } = 1;

    /// <summary>The loss that is raised.</summary>
    [Option("loss", "what is raised")]
    public ApgdLoss Loss { get; init; } = ApgdLoss.CrossEntropy;

    /// <summary>How many wrong classes the targeted loss tries.</summary>
    [Option("targets", "wrong classes that dlr-targeted tries", Min = 1)]
    public int Targets { get; init; } = 9;

    /// <summary>Over how many passes a gradient is averaged, for models that draw anew at each (EOT).</summary>
    [Option("draws", "passes a gradient is averaged over, for randomized models", Min = 1)]
    public int Draws { get; init; } = 1;

    /// <inheritdoc/>
    public void CheckFits(IPredictor model, IReadOnlyList<double> epsilons)
    {
        int needed = Loss switch
        {
            ApgdLoss.Dlr => 3,
            ApgdLoss.DlrTargeted => 4,
            _ => 0,
        };
        if (model.Classes < needed)
            throw new UserErrorException(
                $"this loss of apgd compares {needed} logits, and the model has {model.Classes} classes: use "
                    + "loss=cross-entropy"
            );
    }

    /// <inheritdoc/>
    /// <exception cref="UserErrorException">The model has too few classes for the loss.</exception>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    /// <remarks>Budgets are tried in ascending order, and larger ones take over what smaller ones found.</remarks>
    /// <exception cref="UserErrorException">The model has too few classes for the loss.</exception>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        CheckFits(model, epsilons);
        using var scope = NewDisposeScope();
        return scope.MoveAllToOuter(
            Survivors.Ascending(batch, epsilons, (rows, epsilon) => Search(model, rows, epsilon))
        );
    }

    private (Tensor, bool[]) Search(IClassifier model, Batch batch, double epsilon)
    {
        bool targeted = Loss == ApgdLoss.DlrTargeted;
        long[]? sources = targeted ? RankedClasses.Sources(model, batch) : null;
        long[][]? targets = targeted ? RankedClasses.Targets(model, batch, Targets) : null;
        int climbs = (targets?[0].Length ?? 1) * Restarts;
        var survivors = new Survivors(batch);
        for (int climb = 0; climb < climbs; climb++)
        {
            int number = climb;
            survivors.Attack(
                (rest, rows) =>
                {
                    long[]? from = sources?.At(rows);
                    long[]? to = targets?.At(rows).Select(classes => classes[number / Restarts]).ToArray();
                    return Climb(model, rest.WithRandom(rest.Random.Fork(number)), epsilon, LossOf(from, to));
                }
            );
        }

        return (survivors.Images, survivors.Reached);
    }

    // One climb; in L1 three in shrinking balls, each from where the one before came highest.
    private (Tensor, bool[]) Climb(IClassifier model, Batch batch, double epsilon, ApgdClimb.RowLoss loss)
    {
        int early = Norm == Norm.L1 ? (int)Math.Ceiling(0.3 * Steps) : 0;
        if (early == 0 || 2 * early >= Steps)
            return In(epsilon, Steps).ToGoal(null);
        Tensor wide = In(3 * epsilon, early).ToTop(null);
        Tensor narrower = In(2 * epsilon, early).ToTop(wide);
        return In(epsilon, Steps - (2 * early)).ToGoal(narrower);

        ApgdClimb In(double radius, int steps) => new(this, model, batch, radius, steps, loss);
    }

    // The loss of some rows of the climb's batch; the classes are the whole batch's.
    private ApgdClimb.RowLoss LossOf(long[]? from, long[]? to) =>
        (goal, rows) =>
            Loss switch
            {
                ApgdLoss.CrossEntropy => AttackLoss.CrossEntropy(goal),
                ApgdLoss.Dlr => AttackLoss.LogitRatio(goal),
                _ => AttackLoss.LogitRatio(tensor(from!.At(rows)), tensor(to!.At(rows))),
            };
}
