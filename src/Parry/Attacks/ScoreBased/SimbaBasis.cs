namespace Parry.Attacks.ScoreBased;

/// <summary>The directions along which SimBA steps.</summary>
public enum SimbaBasis
{
    /// <summary>One value of the image each.</summary>
    Pixel,

    /// <summary>The cosines of one frequency each, over one channel.</summary>
    Dct,
}
