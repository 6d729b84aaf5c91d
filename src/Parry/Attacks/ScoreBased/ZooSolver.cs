namespace Parry.Attacks.ScoreBased;

/// <summary>How ZOO moves a coordinate.</summary>
public enum ZooSolver
{
    /// <summary>By Adam, with momenta and a count of steps for each coordinate.</summary>
    Adam,

    /// <summary>By the slope over the curvature, which the same queries give.</summary>
    Newton,
}
