namespace Parry.Models;

/// <summary>What the outputs of a model are.</summary>
public enum OutputKind
{
    /// <summary>Scores before the softmax, or before the sigmoid of a single score.</summary>
    Logits,

    /// <summary>Probabilities of the classes.</summary>
    Probabilities,
}
