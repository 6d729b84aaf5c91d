using Parry.Attacks;
using Parry.Catalogs;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Evaluation;

/// <summary>An attack of a plan.</summary>
/// <param name="Name">As the report names it: the command-line name with the options that were given.</param>
/// <param name="Attack">The attack.</param>
/// <param name="Epsilons">Budgets; null takes a budget attack's own, and leaves a minimizing attack without
/// one.</param>
/// <param name="Source">The substitute that the images are crafted on, to be transferred; null attacks the evaluated
/// classifier itself.</param>
/// <param name="Target">The class to reach; null for any but the true one. With a target only reaching it is a
/// success, and images that are of that class are not attacked.</param>
/// <param name="Mask">The pixels that may change; null for all.</param>
public sealed record PlannedAttack(
    string Name,
    IAttack<IClassifier> Attack,
    IReadOnlyList<double>? Epsilons = null,
    IClassifier? Source = null,
    TargetChoice? Target = null,
    PixelMask? Mask = null
)
{
    // Its goal for images of these true classes.
    internal Goal GoalFor(IPredictor model, Tensor images, Tensor labels, long seed, long firstSample = 0) =>
        Target?.For(model, images, labels, seed, firstSample) ?? Goal.Untargeted(labels);

    /// <summary>Says before any work whether it fits the model that it is crafted on.</summary>
    /// <exception cref="UserErrorException">It does not fit; the message says what it needs.</exception>
    internal void CheckFits(IPredictor model)
    {
        AttackDispatch.CheckFits(Attack, Source ?? model, Epsilons ?? []);
        Target?.CheckFits(model);
        Mask?.CheckFits(Attack, model.Shape);
    }

    // Whether it follows the gradients of the model that a row is about; null where that says nothing about the model:
    // the attack is targeted, may not change all pixels, or does not know the defense.
    internal bool? FollowsGradients(Threat threat) =>
        Target is not null || Mask is not null || threat == Threat.GreyBox
            ? null
            : Attack is not IAttack<IScorer> && (Source is null || threat.IsAware());

    /// <summary>Whether it is known to break the defense, and so brings its own answer to the defense's
    /// detectors.</summary>
    internal bool IsKnownBreak { get; init; }

    // Whether it can evade a defense's detectors only by their gradients.
    internal bool NeedsDetectorGradients => !IsKnownBreak && Attack is not IAttack<IScorer>;

    // The weights of a defense's detectors to attack with, one after the other; null leaves the detectors out. Several
    // help an attack that follows gradients, which they direct, and does not learn once for all images.
    internal IReadOnlyList<double?> DetectorWeights =>
        IsKnownBreak ? [null]
        : Attack is IAttack<IScorer> or ITrainedAttack<IClassifier> ? [1]
        : [1, 0.1, 10];

    // How it follows them from each image away from its true class.
    internal GradientSteps GradientSteps =>
        Target is null && Mask is null && Source is null && Attack is IBudgetAttack<IClassifier> attack
            ? attack.GradientSteps
            : GradientSteps.None;
}
