namespace Parry.Data.Images;

/// <summary>What a reader of results should know about a picture; the note of a set counts each kind.</summary>
[Flags]
internal enum PictureTraits
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Its size was changed.</summary>
    Resized = 1,

    /// <summary>It was turned from gray to color or back.</summary>
    Recolored = 2,

    /// <summary>Its samples have 16 bits.</summary>
    SixteenBits = 4,

    /// <summary>Some pixels are transparent.</summary>
    Transparent = 8,

    /// <summary>Its colors are cyan, magenta, yellow and black.</summary>
    Cmyk = 16,

    /// <summary>It has faults that decoders warn about and that leave the pixels whole.</summary>
    Faulty = 32,

    /// <summary>It has more frames than the first.</summary>
    Animated = 64,

    /// <summary>It has a camera orientation other than upright.</summary>
    Turned = 128,
}
