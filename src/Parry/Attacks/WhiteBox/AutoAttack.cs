using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Attacks.ScoreBased;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// AutoAttack (Croce and Hein, 2020, 2003.01690): four attacks without parameters to tune, one after the other, each
/// from the clean image where those before failed: APGD on the cross entropy, APGD on the DLR towards 9
/// classes, FAB towards 9 classes, Square with 5,000 queries. Linf, L2 and L1. In L1, as in the authors' code, APGD
/// climbs five times on the cross entropy and towards 5 classes on the DLR. Deviations: Square is left out in L1; a
/// wanted class is attacked by the same four, each aimed at it; with three classes the DLR is not targeted, and with
/// two it is left out, since it does not exist there.
/// </summary>
public sealed record AutoAttack : IBudgetAttack<IClassifier>
{
    private const int Draws = 20;
    private readonly double? _epsilon;

    /// <inheritdoc/>
    public string Name => "autoattack";

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

    /// <summary>Which attacks are run.</summary>
    [Option("version", "which attacks are run; rand is for randomized models")]
    public AutoAttackVersion Version { get; init; } = AutoAttackVersion.Standard;

    /// <summary>The number of steps of each climb of APGD and of FAB.</summary>
    [Option("steps", "steps of APGD and FAB; comparable only with 100", Min = 1)]
    public int Steps { get; init; } = 100;

    /// <summary>The largest number of Square's queries for an image.</summary>
    [Option("queries", "most queries of Square; comparable only with 5000", Min = 1)]
    public int Queries { get; init; } = 5000;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    /// <remarks>Budgets are tried in ascending order, and larger ones take over what smaller ones found.</remarks>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        using var scope = NewDisposeScope();
        return scope.MoveAllToOuter(
            Survivors.Ascending(batch, epsilons, (rows, epsilon) => Search(model, rows, epsilon))
        );
    }

    private (Tensor, bool[]) Search(IClassifier model, Batch batch, double epsilon)
    {
        var survivors = new Survivors(batch);
        int number = 0;
        foreach (IAttack<IClassifier> member in Members(epsilon, model.Classes))
        {
            SampleRandom random = batch.Random.Fork(number++);
            survivors.Attack(
                (rest, rows) =>
                {
                    Tensor found = member.Perturb(model, rest.WithRandom(random));

                    // FAB knows no budget: what it finds too far away counts for nothing.
                    Tensor near =
                        member is FastAdaptiveBoundary
                            ? Norm.Of(found.sub(rest.Images)).le(epsilon)
                            : ones([rest.Count], ScalarType.Bool);
                    bool[] reached = rest
                        .Goal.IsReached(model.Predict(rest.With(found)))
                        .logical_and(near)
                        .ToArray<bool>();
                    return (where(near.reshape(-1, 1, 1, 1), found, survivors.Images.At(rows)), reached);
                }
            );
        }

        return (survivors.Images, survivors.Reached);
    }

    private IEnumerable<IAttack<IClassifier>> Members(double epsilon, int classes)
    {
        bool rand = Version == AutoAttackVersion.Rand;
        bool l1 = Norm == Norm.L1;
        var apgd = new AutoProjectedGradientDescent
        {
            Norm = Norm,
            Epsilon = epsilon,
            Steps = Steps,
            Draws = rand ? Draws : 1,
            Targets = l1 ? 5 : 9,
        };
        yield return apgd with
        {
            Restarts = l1 && !rand ? 5 : 1,
        };
        if (classes > 2)
            yield return apgd with
            {
                Loss = rand || classes == 3 ? ApgdLoss.Dlr : ApgdLoss.DlrTargeted,
            };
        if (rand)
            yield break;
        yield return new FastAdaptiveBoundary { Norm = Norm, Steps = Steps };
        if (!l1)
            yield return new SquareAttack
            {
                Norm = Norm,
                Epsilon = epsilon,
                Queries = Queries,
            };
    }
}
