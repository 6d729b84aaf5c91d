using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.DecisionBased;

/// <summary>
/// Blind random search: perturbations from the edge of the budget, drawn until one reaches the goal; random corners of
/// the cube in Linf, random directions in L2, cut to the box. The weakest attack there is: where it finds what attacks
/// by gradients miss, gradients are masked (Athalye, Carlini, Wagner, 2018, 1802.00420). Linf and L2, [N, C, H, W] to
/// the same, targeted or not. The authors sample the ball 10^5 times or more; the default here is a spot check.
/// </summary>
public sealed record RandomSearch : IBudgetAttack<IPredictor>
{
    private readonly double? _epsilon;

    /// <inheritdoc/>
    public string Name => "random-search";

    /// <summary>
    /// The largest perturbation, in the attack's norm; by default 0.3 in Linf and 2 in L2, the usual budgets for MNIST.
    /// </summary>
    [Option("eps", "the largest perturbation; 2 when the norm is l2")]
    public double Epsilon
    {
        get => _epsilon ?? Ball.UsualRadius(Norm);
        init => _epsilon = value;
    }

    /// <summary>Linf or L2.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.Linf, Norm.L2)]
    public Norm Norm
    {
        get;
        init => field = value.Among(Norm.Linf, Norm.L2);
    } = Norm.Linf;

    /// <summary>The most perturbations that are drawn for an image.</summary>
    [Option("draws", "most perturbations drawn for an image", Min = 1)]
    public int Draws { get; init; } = 100;

    /// <inheritdoc/>
    public Tensor Perturb(IPredictor model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    /// <remarks>Budgets are tried in ascending order, and larger ones take over what smaller ones found.</remarks>
    public IReadOnlyList<Tensor> PerturbWithin(IPredictor model, Batch batch, IReadOnlyList<double> epsilons)
    {
        using var scope = NewDisposeScope();
        return scope.MoveAllToOuter(
            Survivors.Ascending(batch, epsilons, (rows, epsilon) => Search(model, rows, epsilon))
        );
    }

    private (Tensor, bool[]) Search(IPredictor model, Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        var survivors = new Survivors(batch);
        for (int draw = 0; draw < Draws; draw++)
        {
            survivors.Attack(
                (left, _) =>
                {
                    ReadOnlySpan<long> shape = left.Images.shape.AsSpan(1);
                    Tensor change =
                        Norm == Norm.Linf
                            ? left.Random.Signs(draw, shape)
                            : Direction.Unit(left.Random.Normal(draw, shape));
                    Tensor attempt = (left.Images + (epsilon * change)).clamp(0.0, 1.0);
                    return (attempt, left.Goal.IsReached(model.Predict(left.With(attempt))).ToArray<bool>());
                }
            );
        }

        return (scope.MoveToOuter(survivors.Images), survivors.Reached);
    }
}
