using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// Houdini (Cisse, Adi, Neverova, Keshet, 2017, 1707.05373): a surrogate for the loss that the task really has, times
/// the probability that a normally distributed margin is smaller than the model's: P(γ > g(x, y) − g(x, ŷ)) · ℓ(ŷ, y)
/// with γ ~ N(0, 1). For classification ℓ is 0 or 1, and ŷ the best class with ℓ = 1: the loss is Φ(margin), raised by
/// projected gradient steps, away from the true class or towards the wanted one. Linf and L2. Deviations: the logarithm
/// of the loss is raised, which has the same direction for every image but does not vanish where the model is sure; the
/// paper leaves step and steps to the task, these are PGD's, from the image itself.
/// </summary>
/// <remarks>
/// Steps are normalized per image, so that for classification Houdini climbs as PGD on the margin does.
/// </remarks>
public sealed record Houdini : IBudgetAttack<IClassifier>
{
    private readonly double? _epsilon;

    /// <inheritdoc/>
    public string Name => "houdini";

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

    /// <summary>The length of a step; null for 2.5 ε/steps.</summary>
    [Option("step", "length of a step; auto: 2.5 eps/steps")]
    public double? Step { get; init; }

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 40;

    private ProjectedGradientDescent Climb =>
        new()
        {
            Norm = Norm,
            Epsilon = Epsilon,
            Step = Step,
            Steps = Steps,
            RandomStart = false,
            Loss = Objective.Houdini,
        };

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => Climb.Perturb(model, batch, epsilon);

    /// <inheritdoc/>
    /// <remarks>The budgets run side by side as one batch.</remarks>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons) =>
        Climb.PerturbWithin(model, batch, epsilons);
}
