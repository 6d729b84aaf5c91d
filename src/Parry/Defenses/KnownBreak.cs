using Parry.Attacks;
using Parry.Models;

namespace Parry.Defenses;

/// <summary>
/// An attack known to break a defense. An evaluation runs it on the defended classifier whenever the defense appears,
/// whatever other attacks it was asked for.
/// </summary>
/// <param name="Name">Its name in reports.</param>
/// <param name="Against">Makes the attack, from the defense and the classifier that stands behind it.</param>
public sealed record KnownBreak(string Name, Func<DefenseSpec, IClassifier, IAttack<IClassifier>> Against);
