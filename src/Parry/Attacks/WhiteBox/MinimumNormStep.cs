namespace Parry.Attacks.WhiteBox;

/// <summary>Where the fast minimum-norm attack's steps go in Linf.</summary>
public enum MinimumNormStep
{
    /// <summary>Along the signs of the gradient, as far as the ball is wide.</summary>
    Sign,

    /// <summary>Along the gradient, with a length in L2, as in the paper.</summary>
    Gradient,
}
