using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>
/// Attacks on models of which only a run shows how much can be seen of them. Every attack is one on classifiers; one
/// that asks for less is also of a lesser type, which fits a model that shows less.
/// </summary>
public static class AttackFit
{
    /// <summary>Whether the model shows what the attack must see.</summary>
    public static bool Fits(this IAttack<IClassifier> attack, IPredictor model) =>
        model switch
        {
            IClassifier => true,
            IScorer => attack is IAttack<IScorer>,
            _ => attack is IAttack<IPredictor>,
        };

    /// <summary>Runs an attack, with as much knowledge of the model as it needs.</summary>
    /// <param name="attack">The attack.</param>
    /// <param name="model">The model it attacks.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="goal">Of the same rows.</param>
    /// <param name="seed">Decides every random draw.</param>
    /// <param name="epsilons">The budgets of a budget attack; null for its own, and for an attack without one.</param>
    /// <param name="attacked">Which images to attack; null means those that do not reach the goal by
    /// themselves.</param>
    /// <param name="firstSample">The number of the first image's sample.</param>
    /// <param name="limits">The most passes for each image, and for each budget; null for no limit.</param>
    /// <param name="progress">Told the share of images that are done.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    /// <returns>One result for each budget, or one in all.</returns>
    /// <exception cref="UserErrorException">The model shows less than the attack needs, or the images do not
    /// fit.</exception>
    public static IReadOnlyList<AttackResult> Run(
        IAttack<IClassifier> attack,
        IPredictor model,
        Tensor images,
        Goal goal,
        long seed,
        IReadOnlyList<double>? epsilons = null,
        IReadOnlyList<bool>? attacked = null,
        long firstSample = 0,
        AttackLimits? limits = null,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        return model switch
        {
            IClassifier classifier => RunOn(attack, classifier),
            IScorer scorer when attack is IAttack<IScorer> lesser => RunOn(lesser, scorer),
            _ when attack is IAttack<IPredictor> least => RunOn(least, model),
            _ => throw ShowsTooLittle(attack, model),
        };

        IReadOnlyList<AttackResult> RunOn<TModel>(IAttack<TModel> fitting, TModel known)
            where TModel : IPredictor =>
            fitting is IBudgetAttack<TModel> within && epsilons is not null
                ? AttackRunner.Run(
                    within,
                    known,
                    images,
                    goal,
                    seed,
                    epsilons,
                    attacked,
                    firstSample,
                    limits,
                    progress,
                    cancellation
                )
                :
                [
                    AttackRunner.Run(
                        fitting,
                        known,
                        images,
                        goal,
                        seed,
                        attacked,
                        firstSample,
                        limits,
                        progress,
                        cancellation
                    ),
                ];
    }

    /// <summary>
    /// Trains an attack, with as much knowledge of the model as it needs, and counts what that costs.
    /// </summary>
    /// <param name="attack">The attack.</param>
    /// <param name="model">The model it learns to attack.</param>
    /// <param name="images">[N, C, H, W] in [0, 1], none of which it is judged on later.</param>
    /// <param name="goal">Of the same rows.</param>
    /// <param name="seed">Decides every random draw.</param>
    /// <param name="epsilons">The budgets it will run at; empty for an attack without one.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Stops the training.</param>
    /// <returns>The trained attack, which the caller owns, and its cost.</returns>
    /// <exception cref="UserErrorException">The model shows less than the attack needs, or the images do not
    /// fit.</exception>
    public static (ITrainedAttack<IClassifier> Attack, AttackTraining Training) Train(
        ITrainedAttack<IClassifier> attack,
        IPredictor model,
        Tensor images,
        Goal goal,
        long seed,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        return model switch
        {
            IClassifier classifier => TrainOn(attack, classifier),
            IScorer scorer when attack is ITrainedAttack<IScorer> lesser => TrainOn(lesser, scorer),
            _ when attack is ITrainedAttack<IPredictor> least => TrainOn(least, model),
            _ => throw ShowsTooLittle(attack, model),
        };

        (ITrainedAttack<IClassifier>, AttackTraining) TrainOn<TModel>(ITrainedAttack<TModel> fitting, TModel known)
            where TModel : IPredictor
        {
            var (trained, training) = AttackRunner.Train(
                fitting,
                known,
                images,
                goal,
                seed,
                epsilons,
                progress,
                cancellation
            );
            return ((ITrainedAttack<IClassifier>)trained, training);
        }
    }

    private static UserErrorException ShowsTooLittle(IAttack<IClassifier> attack, IPredictor model) =>
        new(
            $"the attack {attack.Name} needs the model's {(attack is IAttack<IScorer> ? "scores" : "gradients")}, "
                + $"and this model shows only {(model is IScorer ? "scores" : "labels")}"
        );
}
