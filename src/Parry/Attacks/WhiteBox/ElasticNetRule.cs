namespace Parry.Attacks.WhiteBox;

/// <summary>The distance by which the elastic-net attack chooses among the images that reach the goal.</summary>
public enum ElasticNetRule
{
    /// <summary>β|δ|₁ + |δ|₂².</summary>
    ElasticNet,

    /// <summary>|δ|₁.</summary>
    L1,
}
