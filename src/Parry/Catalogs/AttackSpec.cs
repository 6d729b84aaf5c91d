using Parry.Attacks;
using Parry.Data;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Catalogs;

/// <summary>An attack with its settings and the budgets it is to be run at.</summary>
public sealed class AttackSpec
{
    internal AttackSpec(
        AttackEntry entry,
        IAttack<IClassifier> attack,
        IReadOnlyList<double> epsilons,
        TargetChoice? target,
        AttackTraining? training = null
    ) => (Entry, Attack, Epsilons, Target, Training) = (entry, attack, epsilons, target, training);

    /// <summary>The kind of attack.</summary>
    public AttackEntry Entry { get; }

    /// <summary>The attack's command-line name.</summary>
    public string Name => Entry.Name;

    /// <summary>The text that gives the same attack again.</summary>
    public string Text => WithCommonOptions(Entry.Describe(Attack, Epsilons.Count == 0 ? null : Epsilons));

    /// <summary>That text without the budgets, for tables that have a column for them.</summary>
    public string TextWithoutBudgets => WithCommonOptions(Entry.Describe(Attack, []));

    /// <summary>The attack, at the first budget.</summary>
    public IAttack<IClassifier> Attack { get; }

    /// <summary>
    /// The budgets in the attack's norm; empty for an attack that looks for the smallest perturbation.
    /// </summary>
    public IReadOnlyList<double> Epsilons { get; }

    /// <summary>The class it aims at; null to leave the true one.</summary>
    public TargetChoice? Target { get; }

    /// <summary>The pixels that may change; null for all.</summary>
    public PixelMask? Mask { get; internal init; }

    /// <summary>Its goal: to leave the true classes, or to reach its target.</summary>
    /// <param name="model">The model it attacks.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="labels">The true classes, [N] int64.</param>
    /// <param name="seed">Decides random targets.</param>
    /// <param name="firstSample">The number of the first image's sample.</param>
    /// <exception cref="UserErrorException">The model has no such class, or shows no scores where they are
    /// needed.</exception>
    public Goal GoalFor(IPredictor model, Tensor images, Tensor labels, long seed, long firstSample = 0) =>
        Target?.For(model, images, labels, seed, firstSample) ?? Goal.Untargeted(labels);

    /// <summary>
    /// Says before any work whether the attack, with its settings, budgets and target, fits a model.
    /// </summary>
    /// <param name="model">The model it is to attack.</param>
    /// <exception cref="UserErrorException">It does not fit; the message says what it needs.</exception>
    public void CheckFits(IPredictor model)
    {
        Mask?.CheckFits(Attack, model.Shape);
        AttackDispatch.CheckFits(Attack, model, Epsilons);
        Target?.CheckFits(model);
    }

    /// <summary>What the attack's training took; null where there was none.</summary>
    public AttackTraining? Training { get; }

    /// <summary>
    /// The spec with its attack trained, for its target and all its budgets, on as many of the first images of a set as
    /// it asks for.
    /// </summary>
    /// <param name="model">The model it learns to attack.</param>
    /// <param name="known">Other images than those it will attack.</param>
    /// <param name="seed">The seed of every random draw.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Stops the training.</param>
    /// <returns>The trained spec, whose attack the caller owns; the same spec when the attack needs no
    /// training.</returns>
    /// <exception cref="UserErrorException">The model reveals less than the attack needs, or the images do not
    /// fit.</exception>
    public AttackSpec Train(
        IPredictor model,
        ImageSet known,
        long seed,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        if (Attack is not ITrainedAttack<IClassifier> { IsTrained: false } learner)
            return this;
        using var scope = NewDisposeScope();
        var (images, labels) = known.First(learner.TrainingImages);
        Goal goal = GoalFor(model, images, labels, seed);
        return Train(model, new AttackRun(images, goal, seed) { Progress = progress, Cancellation = cancellation });
    }

    /// <summary>
    /// The spec with its attack trained for all its budgets, which the caller owns; the same spec when the attack needs
    /// no training.
    /// </summary>
    /// <param name="model">The model it learns to attack.</param>
    /// <param name="run">Other images than those it will attack, with a goal of the kind that the attack will
    /// have.</param>
    /// <exception cref="UserErrorException">The model reveals less than the attack needs, or the images do not
    /// fit.</exception>
    public AttackSpec Train(IPredictor model, AttackRun run)
    {
        if (Attack is not ITrainedAttack<IClassifier> { IsTrained: false } learner)
            return this;
        var (trained, training) = AttackDispatch.Train(learner, model, run with { Epsilons = Epsilons });
        return new AttackSpec(Entry, trained, Epsilons, Target, training) { Mask = Mask };
    }

    /// <summary>Runs the attack at all its budgets, with no more knowledge of the model than it needs.</summary>
    /// <param name="model">The model it attacks.</param>
    /// <param name="run">What it attacks, and how far it may go.</param>
    /// <returns>One result for each budget, or a single one without budgets.</returns>
    /// <exception cref="UserErrorException">The model reveals less than the attack needs, the attack is not trained,
    /// or the images do not fit.</exception>
    public IReadOnlyList<AttackResult> Run(IPredictor model, AttackRun run)
    {
        if (Attack is ITrainedAttack<IClassifier> { IsTrained: false })
            throw new UserErrorException(
                $"the attack {Name} must be trained before it attacks: train it on images other than those "
                    + "it will attack"
            );
        IReadOnlyList<double>? epsilons = Epsilons.Count == 0 ? null : Epsilons;
        return AttackDispatch.Run(Attack, model, run with { Epsilons = epsilons, Mask = Mask ?? run.Mask });
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    // Options of every attack, beside its own.
    private string WithCommonOptions(string text)
    {
        string[] options =
        [
            .. Target is null ? (string[])[] : [$"{AttackEntry.Target}={Target}"],
            .. Mask?.File is { } file ? (string[])[$"{AttackEntry.Mask}={file}"] : [],
        ];
        if (options.Length == 0)
            return text;
        return $"{text}{(text.Contains(':', StringComparison.Ordinal) ? ',' : ':')}{string.Join(',', options)}";
    }
}
