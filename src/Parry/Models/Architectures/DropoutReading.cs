namespace Parry.Models.Architectures;

/// <summary>What the number beside Dropout in the Defense-GAN paper's table of networks means.</summary>
public enum DropoutReading
{
    /// <summary>The share that is dropped: the ordinary reading.</summary>
    Drop,

    /// <summary>
    /// The share that is kept: how the released code trains, whose argument is TensorFlow 1's keep probability.
    /// </summary>
    Keep,
}
