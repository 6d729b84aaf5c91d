using Parry.Attacks;
using Parry.Data;
using Parry.Defenses;
using Parry.Models;

namespace Parry.Evaluation;

/// <summary>What an evaluation crosses: one classifier on some images, attacks, and defenses.</summary>
public sealed record EvaluationPlan
{
    /// <summary>The classifier's name in the report.</summary>
    public required string ModelName { get; init; }

    /// <summary>
    /// The classifier. One that shows only scores or labels is attacked by attacks that need no more, or with images
    /// crafted on a substitute.
    /// </summary>
    public required IPredictor Model { get; init; }

    /// <summary>The images and their true labels.</summary>
    public required ImageSet Images { get; init; }

    /// <summary>
    /// The images that attacks are trained on, none of <see cref="Images"/>; null where no attack is trained.
    /// </summary>
    public ImageSet? TrainingImages { get; init; }

    /// <summary>The data set's name in the report.</summary>
    public required string DataName { get; init; }

    /// <summary>The attacks.</summary>
    public required IReadOnlyList<PlannedAttack> Attacks { get; init; }

    /// <summary>The defenses; the undefended classifier is always evaluated too.</summary>
    public required IReadOnlyList<DefenseSpec> Defenses { get; init; }

    /// <summary>Whether the attacks known to break a defense run whenever it appears.</summary>
    public bool KnownBreaks { get; init; } = true;

    /// <summary>
    /// Whether each attack is also run by an attacker who knows the defense. Without, the findings say how a defense
    /// does against those who do not know it, as many papers do, and nothing about its robustness.
    /// </summary>
    public bool AwareAttackers { get; init; } = true;

    /// <summary>
    /// Whether each attack is also run by an attacker who knows the defender's random seed: the white box revisited.
    /// </summary>
    public bool Revisited { get; init; }

    /// <summary>Decides every random draw; attackers and defenders draw from separate streams.</summary>
    public required long Seed { get; init; }

    /// <summary>How random defenses are judged.</summary>
    public DrawRule DrawRule { get; init; } = DrawRule.Mean;

    /// <summary>The most passes that an attack may spend on each image and budget; null for no limit.</summary>
    public AttackLimits? Limits { get; init; }

    /// <summary>How many images of each attack the report shows.</summary>
    public int GalleryImages { get; init; } = 8;

    /// <summary>
    /// Whether queries cost nothing but time; every answer of a model served over HTTP may cost money.
    /// </summary>
    internal bool AnswersAreFree => Model is IClassifier;
}
