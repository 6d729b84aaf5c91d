namespace Parry.Models.Architectures;

/// <summary>The meaning of the number after Dropout in the table of networks in the Defense-GAN paper.</summary>
public enum DropoutReading
{
    /// <summary>The share that is dropped: the usual meaning.</summary>
    Drop,

    /// <summary>
    /// The share that is kept, as in the released code, whose argument is TensorFlow 1's keep probability.
    /// </summary>
    Keep,
}
