using Parry.Models;

namespace Parry.Defenses;

/// <summary>A defense as an evaluation runs it: what the defender has, and what an attacker who knows it rebuilds.</summary>
public sealed record DefenseSpec
{
    /// <summary>As reports name it.</summary>
    public required string Name { get; init; }

    /// <summary>The purifier as the defender runs it.</summary>
    public required IPurifier Purifier { get; init; }

    /// <summary>The purifier as the adaptive attacker rebuilds it, possibly cheaper.</summary>
    public required IPurifier AttackersPurifier { get; init; }

    /// <summary>Purifications over which the attacker averages each gradient.</summary>
    public int Draws { get; init; } = 1;

    /// <summary>The classifier behind the purifier where it is another than the evaluated one: one trained on purified images (Defense-GAN-Rec).</summary>
    public IClassifier? Classifier { get; init; }
}
