namespace Parry.Models;

/// <summary>What the outputs of a model are.</summary>
public enum OutputKind
{
    /// <summary>Scores before the softmax (or the sigmoid, of a single one).</summary>
    Logits,

    /// <summary>Probabilities.</summary>
    Probabilities,
}
