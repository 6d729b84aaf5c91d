using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>
/// A method that perturbs images until a model errs. The type parameter says what it must see of the model: labels,
/// scores or gradients. An attack is an immutable record of its settings; <see cref="AttackRunner"/> runs it and keeps
/// the contract around it.
/// </summary>
/// <typeparam name="TModel">The least that the attack must see of the model.</typeparam>
public interface IAttack<in TModel>
    where TModel : IPredictor
{
    /// <summary>The command-line name.</summary>
    string Name { get; }

    /// <summary>The norm it bounds or minimizes.</summary>
    Norm Norm { get; }

    /// <summary>Perturbed images, each at its best; what fails or leaves the box is the runner's concern.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="images">[N, C, H, W] in [0, 1], none of which reaches the goal yet.</param>
    /// <param name="goal">Of the same rows.</param>
    /// <param name="random">Random draws for the same rows.</param>
    /// <returns>[N, C, H, W] in [0, 1].</returns>
    Tensor Perturb(TModel model, Tensor images, Goal goal, SampleRandom random);
}

/// <summary>An attack that stays within a budget.</summary>
/// <typeparam name="TModel">The least that the attack must see of the model.</typeparam>
public interface IBudgetAttack<in TModel> : IAttack<TModel>
    where TModel : IPredictor
{
    /// <summary>The largest perturbation, in the attack's norm, of images in [0, 1].</summary>
    double Epsilon { get; }

    /// <summary>Perturbed images for several budgets, sharing what work can be shared.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="images">[N, C, H, W] in [0, 1], none of which reaches the goal yet.</param>
    /// <param name="goal">Of the same rows.</param>
    /// <param name="random">Random draws for the same rows.</param>
    /// <param name="epsilons">The budgets, in place of <see cref="Epsilon"/>.</param>
    /// <returns>[N, C, H, W] in [0, 1] for each budget.</returns>
    IReadOnlyList<Tensor> PerturbWithin(
        TModel model,
        Tensor images,
        Goal goal,
        SampleRandom random,
        IReadOnlyList<double> epsilons
    );
}
