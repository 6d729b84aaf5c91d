namespace Parry.Attacks;

/// <summary>How an attack within a budget goes from an image along the gradient of the model's loss.</summary>
public enum GradientSteps
{
    /// <summary>
    /// Not at all, or not from each image to its goal: it asks for scores or labels, learns beforehand, or aims
    /// elsewhere.
    /// </summary>
    None,

    /// <summary>By one step.</summary>
    One,

    /// <summary>
    /// By many steps, with which it must do at least as well as with one: if it does worse, gradients are masked.
    /// </summary>
    Many,
}
