namespace Parry.Attacks.WhiteBox;

/// <summary>Which attacks AutoAttack runs.</summary>
public enum AutoAttackVersion
{
    /// <summary>APGD on the cross entropy, APGD on the targeted DLR, FAB and Square.</summary>
    Standard,

    /// <summary>
    /// For randomized models: APGD on the cross entropy and on the DLR, gradients averaged over 20 passes.
    /// </summary>
    Rand,
}
