namespace Parry.Attacks.Building;

/// <summary>The loss that a gradient attack raises.</summary>
public enum Objective
{
    /// <summary>The cross entropy with the true class, or minus that with the wanted one.</summary>
    CrossEntropy,

    /// <summary>
    /// The gap between the best wrong logit and the true one: it does not flatten out when the model is sure.
    /// </summary>
    Margin,

    /// <summary>The logarithm of the Houdini loss.</summary>
    Houdini,
}
