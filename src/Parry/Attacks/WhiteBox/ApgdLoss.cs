namespace Parry.Attacks.WhiteBox;

/// <summary>The loss that APGD raises.</summary>
public enum ApgdLoss
{
    /// <summary>The cross entropy with the true class, or minus that with the wanted one.</summary>
    CrossEntropy,

    /// <summary>
    /// The difference of logits ratio, which ignores the scale of the logits. It needs three classes.
    /// </summary>
    Dlr,

    /// <summary>
    /// The difference of logits ratio towards one class after the other, the likeliest first. It needs four classes.
    /// </summary>
    DlrTargeted,
}
