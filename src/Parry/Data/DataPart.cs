namespace Parry.Data;

/// <summary>What a part of a data set is for.</summary>
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
