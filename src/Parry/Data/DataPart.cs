namespace Parry.Data;

/// <summary>A part of a data set.</summary>
public enum DataPart
{
    /// <summary>Weights are fitted to it.</summary>
    Train,

    /// <summary>
    /// Settings and thresholds are chosen on it; taken from the published training images by a <see cref="Split"/>.
    /// </summary>
    Validation,

    /// <summary>The published test images: results are reported on it.</summary>
    Test,
}
