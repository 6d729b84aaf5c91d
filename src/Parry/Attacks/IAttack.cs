using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>
/// A method that perturbs images until a model misclassifies them. The type parameter says what it must see of the
/// model: labels, scores or gradients. An attack is an immutable record of its settings; <see cref="AttackRunner"/>
/// runs it and keeps the contract around it.
/// </summary>
/// <typeparam name="TModel">The least that the attack must see of the model.</typeparam>
public interface IAttack<in TModel>
    where TModel : IPredictor
{
    /// <summary>The short name, such as <c>pgd</c>.</summary>
    string Name { get; }

    /// <summary>The norm it bounds or minimizes.</summary>
    Norm Norm { get; }

    /// <summary>
    /// Whether it may be held to a <see cref="PixelMask"/>: whether, with its settings, it can work on some of the
    /// pixels as if they were the image.
    /// </summary>
    bool TakesMask => true;

    /// <summary>
    /// Says before any work whether the attack, with its settings, fits a model: its number of classes, the shape of
    /// its images, its layers.
    /// </summary>
    /// <param name="model">The model it is to attack.</param>
    /// <param name="epsilons">The budgets it is to be run at; empty for an attack without one.</param>
    /// <exception cref="UserErrorException">It does not fit; the message says what it needs.</exception>
    void CheckFits(IPredictor model, IReadOnlyList<double> epsilons) { }

    /// <summary>Perturbs images. The runner undoes what fails.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="batch">Clean images, none of which reaches its goal yet.</param>
    /// <returns>The perturbed images, each at its best, [N, C, H, W] in [0, 1].</returns>
    Tensor Perturb(TModel model, Batch batch);
}

/// <summary>An attack that stays within a budget.</summary>
/// <typeparam name="TModel">The least that the attack must see of the model.</typeparam>
public interface IBudgetAttack<in TModel> : IAttack<TModel>
    where TModel : IPredictor
{
    /// <summary>The largest perturbation, in the attack's norm, of images in [0, 1].</summary>
    double Epsilon { get; }

    /// <summary>How it follows the gradient of the model's loss.</summary>
    GradientSteps GradientSteps => GradientSteps.None;

    /// <summary>Perturbs images within one budget.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="batch">Clean images, none of which reaches its goal yet.</param>
    /// <param name="epsilon">The budget, in place of <see cref="Epsilon"/>.</param>
    /// <returns>The perturbed images, each at its best, [N, C, H, W] in [0, 1].</returns>
    Tensor Perturb(TModel model, Batch batch, double epsilon);

    /// <summary>
    /// Perturbs images within several budgets: one after the other, unless the attack knows work that they can share.
    /// </summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="batch">Clean images, none of which reaches its goal yet.</param>
    /// <param name="epsilons">The budgets, in place of <see cref="Epsilon"/>.</param>
    /// <returns>The perturbed images for each budget, [N, C, H, W] in [0, 1].</returns>
    IReadOnlyList<Tensor> PerturbWithin(TModel model, Batch batch, IReadOnlyList<double> epsilons)
    {
        var results = new Tensor[epsilons.Count];
        for (int i = 0; i < results.Length; i++)
        {
            using var scope = NewDisposeScope();
            results[i] = scope.MoveToOuter(Perturb(model, batch, epsilons[i]));
        }

        return results;
    }

    /// <inheritdoc/>
    Tensor IAttack<TModel>.Perturb(TModel model, Batch batch) => Perturb(model, batch, Epsilon);
}
