namespace Parry.Attacks.ScoreBased;

/// <summary>How AutoZOOM makes a change of an image out of a few numbers.</summary>
public enum ZoomDecoder
{
    /// <summary>A smaller image, resized bilinearly.</summary>
    Bilinear,

    /// <summary>The decoder of an auto-encoder, which has to be trained.</summary>
    Autoencoder,
}
