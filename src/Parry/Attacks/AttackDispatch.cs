using Parry.Models;

namespace Parry.Attacks;

/// <summary>
/// Attacks on models of which only a run shows how much they reveal. Every attack is one on classifiers; one that needs
/// less is also of a lesser type, which fits a model that reveals less.
/// </summary>
public static class AttackDispatch
{
    /// <summary>Whether the model reveals what the attack must see.</summary>
    public static bool Fits(this IAttack<IClassifier> attack, IPredictor model) =>
        model switch
        {
            IClassifier => true,
            IScorer => attack is IAttack<IScorer>,
            _ => attack is IAttack<IPredictor>,
        };

    /// <summary>
    /// Says before any work whether an attack fits a model: whether the model reveals enough, and has the classes and
    /// images that the attack's settings ask for.
    /// </summary>
    /// <param name="attack">The attack.</param>
    /// <param name="model">The model it is to attack.</param>
    /// <param name="epsilons">The budgets it is to be run at; empty for an attack without one.</param>
    /// <exception cref="UserErrorException">It does not fit, or a budget is larger than any image is.</exception>
    public static void CheckFits(IAttack<IClassifier> attack, IPredictor model, IReadOnlyList<double> epsilons)
    {
        if (!attack.Fits(model))
            throw RevealsTooLittle(attack, model);
        AttackChecks.Budgets(epsilons);
        AttackChecks.BudgetsWithinBox(attack.Norm, epsilons, model.Shape);
        attack.CheckFits(model, epsilons);
    }

    /// <summary>Runs an attack, with as much knowledge of the model as it needs.</summary>
    /// <param name="attack">The attack.</param>
    /// <param name="model">The model it attacks.</param>
    /// <param name="run">What it attacks, and how far it may go.</param>
    /// <returns>One result for each budget, or one in all.</returns>
    /// <exception cref="UserErrorException">The model reveals less than the attack needs, or the images do not
    /// fit.</exception>
    public static IReadOnlyList<AttackResult> Run(IAttack<IClassifier> attack, IPredictor model, AttackRun run) =>
        model switch
        {
            IClassifier classifier => AttackRunner.Run(attack, classifier, run),
            IScorer scorer when attack is IAttack<IScorer> lesser => AttackRunner.Run(lesser, scorer, run),
            _ when attack is IAttack<IPredictor> least => AttackRunner.Run(least, model, run),
            _ => throw RevealsTooLittle(attack, model),
        };

    /// <summary>
    /// Trains an attack, with as much knowledge of the model as it needs, and counts what that costs.
    /// </summary>
    /// <param name="attack">The attack.</param>
    /// <param name="model">The model it learns to attack.</param>
    /// <param name="run">Images it learns from, none of which it is judged on later, and the budgets it will run
    /// at.</param>
    /// <returns>The trained attack, which the caller owns, and its cost.</returns>
    /// <exception cref="UserErrorException">The model reveals less than the attack needs, or the images do not
    /// fit.</exception>
    public static (ITrainedAttack<IClassifier> Attack, AttackTraining Training) Train(
        ITrainedAttack<IClassifier> attack,
        IPredictor model,
        AttackRun run
    )
    {
        return model switch
        {
            IClassifier classifier => TrainOn(attack, classifier),
            IScorer scorer when attack is ITrainedAttack<IScorer> lesser => TrainOn(lesser, scorer),
            _ when attack is ITrainedAttack<IPredictor> least => TrainOn(least, model),
            _ => throw RevealsTooLittle(attack, model),
        };

        (ITrainedAttack<IClassifier>, AttackTraining) TrainOn<TModel>(ITrainedAttack<TModel> fitting, TModel known)
            where TModel : IPredictor
        {
            var (trained, training) = AttackRunner.Train(fitting, known, run);
            return ((ITrainedAttack<IClassifier>)trained, training);
        }
    }

    private static UserErrorException RevealsTooLittle(IAttack<IClassifier> attack, IPredictor model)
    {
        string needed = attack is IAttack<IScorer> ? "scores" : "gradients";
        string revealed = model is IScorer ? "scores" : "labels";
        return new($"the attack {attack.Name} needs the model's {needed}, and this model shows only {revealed}");
    }
}
