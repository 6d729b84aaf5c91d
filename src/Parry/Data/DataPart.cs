namespace Parry.Data;

/// <summary>A part of a data set.</summary>
public enum DataPart
{
    /// <summary>The images that networks are trained on.</summary>
    Train,

    /// <summary>
    /// Images for choosing settings and thresholds, taken from the published training images by a <see cref="Split"/>.
    /// </summary>
    Validation,

    /// <summary>The published test images, on which results are reported.</summary>
    Test,
}
