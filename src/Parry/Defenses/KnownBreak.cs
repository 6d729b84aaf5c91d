using Parry.Attacks;
using Parry.Models;

namespace Parry.Defenses;

/// <summary>
/// An attack known to break a defense. An evaluation runs it on the defended classifier whenever the defense appears,
/// whatever other attacks it was asked for.
/// </summary>
/// <param name="Name">As reports name it.</param>
/// <param name="Against">Makes the attack for the classifier that stands behind the defense.</param>
public sealed record KnownBreak(string Name, Func<IClassifier, IAttack<IClassifier>> Against);
