using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>
/// An attack that learns from images before it perturbs others: one perturbation for all of them, a network that draws
/// perturbations, a substitute model. It is a record of its settings until it is trained, and
/// <see cref="IAttack{TModel}.Perturb"/> throws; trained, it holds what it has learned, which
/// <see cref="IDisposable.Dispose"/> frees. <see cref="AttackRunner"/> trains it.
/// </summary>
/// <typeparam name="TModel">The least that the attack must see of the model.</typeparam>
public interface ITrainedAttack<in TModel> : IAttack<TModel>, IDisposable
    where TModel : IPredictor
{
    /// <summary>Whether it has been trained.</summary>
    bool IsTrained { get; }

    /// <inheritdoc/>
    /// <remarks>What it has learned is for whole images.</remarks>
    bool IAttack<TModel>.TakesMask => false;

    /// <summary>How many images it asks to learn from; with fewer it learns from those there are.</summary>
    int TrainingImages { get; }

    /// <summary>
    /// The same attack, trained; one that has been trained before may go on from what it knows. It may not see the
    /// images it will be judged on.
    /// </summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="data">Images with their true classes, or the wanted ones.</param>
    /// <param name="epsilons">The budgets that it will be run at; empty for an attack without one.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Stops the training.</param>
    ITrainedAttack<TModel> Train(
        TModel model,
        Batch data,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    );

    /// <summary>
    /// What it has learned, by name, so that another process can take it over; the attack owns the tensors. Null where
    /// nothing was learned, or each process is to learn it anew.
    /// </summary>
    IReadOnlyDictionary<string, Tensor>? Learned => null;

    /// <summary>The same attack with what it learned in another process.</summary>
    /// <param name="model">The model that it learned to attack.</param>
    /// <param name="learned">What <see cref="Learned"/> was there; the caller keeps the tensors.</param>
    /// <exception cref="InvalidDataException">It was learned with other settings, or for other images.</exception>
    ITrainedAttack<TModel> WithLearned(IPredictor model, IReadOnlyDictionary<string, Tensor> learned) =>
        throw new NotSupportedException($"The attack {Name} learns anew in each process.");
}
