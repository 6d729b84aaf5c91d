namespace Parry.Models;

/// <summary>What the numbers are that a model gives for an image.</summary>
public enum OutputKind
{
    /// <summary>Scores before the softmax (or the sigmoid, of a single one).</summary>
    Logits,

    /// <summary>Probabilities.</summary>
    Probabilities,
}
