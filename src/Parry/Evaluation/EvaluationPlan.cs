using Parry.Attacks;
using Parry.Attacks.Catalog;
using Parry.Data;
using Parry.Defenses;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Evaluation;

/// <summary>What an evaluation crosses: one classifier on some images, attacks, and defenses.</summary>
public sealed record EvaluationPlan
{
    /// <summary>The classifier's name in the report.</summary>
    public required string ModelName { get; init; }

    /// <summary>
    /// The classifier; one that shows scores or labels only is attacked by what needs no more, or by images crafted on
    /// a substitute.
    /// </summary>
    public required IPredictor Model { get; init; }

    /// <summary>The images and their true labels.</summary>
    public required ImageSet Images { get; init; }

    /// <summary>
    /// The images that some attacks learn from before they attack: none of <see cref="Images"/>. Null where no attack
    /// learns.
    /// </summary>
    public ImageSet? TrainingImages { get; init; }

    /// <summary>The data set's name in the report.</summary>
    public required string DataName { get; init; }

    /// <summary>The attacks.</summary>
    public required IReadOnlyList<PlannedAttack> Attacks { get; init; }

    /// <summary>The defenses; "none" is always evaluated beside them.</summary>
    public required IReadOnlyList<DefenseSpec> Defenses { get; init; }

    /// <summary>Whether the attacks known to break a defense run whenever it appears.</summary>
    public bool KnownBreaks { get; init; } = true;

    /// <summary>
    /// Whether each attack is also run by an attacker who knows the defender's random seed: the white box revisited.
    /// </summary>
    public bool Revisited { get; init; }

    /// <summary>Decides every random draw; attackers and defenders get streams of their own from it.</summary>
    public required long Seed { get; init; }

    /// <summary>The most passes that an attack may spend on each image and budget; null for no limit.</summary>
    public AttackLimits? Limits { get; init; }

    /// <summary>How many images of each attack the report shows.</summary>
    public int GalleryImages { get; init; } = 8;
}

/// <summary>An attack of a plan.</summary>
/// <param name="Name">As the report names it: the command-line name with the options that were given.</param>
/// <param name="Attack">The attack.</param>
/// <param name="Epsilons">Budgets; null takes a budget attack's own, and leaves a minimizing attack without
/// one.</param>
/// <param name="Source">The substitute that the images are crafted on, to be transferred; null attacks the evaluated
/// classifier itself.</param>
/// <param name="Target">The class it aims at; null to leave the true one. Only reaching it is then a success, and
/// images that have it by right are left alone.</param>
public sealed record PlannedAttack(
    string Name,
    IAttack<IClassifier> Attack,
    IReadOnlyList<double>? Epsilons = null,
    IClassifier? Source = null,
    TargetChoice? Target = null
)
{
    // What it wants of images of these true classes.
    internal Goal GoalFor(IPredictor model, Tensor images, Tensor labels, long seed) =>
        Target?.For(model, images, labels, seed) ?? Goal.Untargeted(labels);

    // Whether it follows the gradients of the model that a row is about; null where that says nothing of the model: it
    // aims at a class, or a defense was not known to it.
    internal bool? FollowsGradients(Threat threat) =>
        Target is not null || threat == Threat.GreyBox
            ? null
            : Attack is not IAttack<IScorer> && (Source is null || threat.IsAware());
}
