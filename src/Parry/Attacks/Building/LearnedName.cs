using System.Globalization;

namespace Parry.Attacks.Building;

/// <summary>The name of what an attack learned for a goal and a budget, such as "any/0.3/conv1.weight".</summary>
/// <param name="Goal"><see cref="Any"/>, <see cref="Each"/>, or the number of a wanted class.</param>
/// <param name="Epsilon">The budget.</param>
/// <param name="Part">What it is.</param>
internal readonly record struct LearnedName(string Goal, double Epsilon, string Part)
{
    /// <summary>The goal of leaving the true class.</summary>
    public const string Any = "any";

    /// <summary>The goals of reaching each class, together in one tensor.</summary>
    public const string Each = "each";

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Goal}/{Epsilon}/{Part}");

    /// <summary>Reads a name.</summary>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static LearnedName Parse(string text) =>
        text.Split('/', 3) is [var goal, var budget, var part]
        && double.TryParse(budget, NumberStyles.Float, CultureInfo.InvariantCulture, out double epsilon)
            ? new LearnedName(goal, epsilon, part)
            : throw new InvalidDataException($"It holds '{text}', which is no name of what an attack learned.");
}
