namespace Parry.Attacks;

/// <summary>
/// How many passes an attack may spend on one image. The meter refuses what goes beyond: the attack keeps the best
/// image it was seen to find within the limit, or else the one it wanted to try next.
/// </summary>
/// <param name="Queries">The most forward passes, those of gradients included; null for no limit.</param>
/// <param name="Gradients">The most backward passes; null for no limit.</param>
public sealed record AttackLimits(long? Queries = null, long? Gradients = null);
