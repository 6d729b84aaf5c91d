namespace Parry.Catalogs;

/// <summary>What an attack must see of a model.</summary>
public enum Knowledge
{
    /// <summary>Predicted labels only.</summary>
    Labels,

    /// <summary>Class probabilities.</summary>
    Scores,

    /// <summary>Gradients.</summary>
    Gradients,
}
