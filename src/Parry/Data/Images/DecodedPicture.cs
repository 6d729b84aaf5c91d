namespace Parry.Data.Images;

/// <summary>A decoded picture.</summary>
/// <param name="Shape">The shape: 1 channel if the file is gray, else 3.</param>
/// <param name="Planes">The stored values as [C, H, W].</param>
/// <param name="Orientation">The camera orientation, 1 to 8 as in EXIF; 1 is upright.</param>
/// <param name="Traits">What is remarkable about the file.</param>
internal sealed record DecodedPicture(ImageShape Shape, byte[] Planes, int Orientation, PictureTraits Traits)
{
    private const int Levels = byte.MaxValue;
    private const int WideLevels = ushort.MaxValue;

    /// <summary>The stored values as [C, H, W] where they have 16 bits; null where they have fewer.</summary>
    public ushort[]? Wide { get; init; }

    /// <summary>The picture, turned as its camera orientation says.</summary>
    public DecodedPicture Upright() =>
        this with
        {
            Shape = Images.Orientation.UprightShape(Shape, Orientation),
            Planes = Images.Orientation.Upright(Planes, Shape, Orientation),
            Wide = Wide is null ? null : Images.Orientation.Upright(Wide, Shape, Orientation),
            Orientation = Images.Orientation.None,
        };

    /// <summary>The values in gray or color.</summary>
    /// <param name="channels">1 for gray, 3 for red, green and blue, null for what the file has.</param>
    public (ImageShape Shape, byte[] Planes) In(int? channels) => Images.Planes.Convert(Planes, Shape, channels);

    /// <summary>The values in [0, 1] with all their bits, in gray or color.</summary>
    /// <param name="channels">1 for gray, 3 for red, green and blue.</param>
    /// <returns>The values as [C, H, W], and the distance between two that the file can store.</returns>
    public (float[] Values, double Level) Exact(int channels)
    {
        if (Wide is null)
        {
            byte[] planes = Images.Planes.Convert(Planes, Shape.Channels, channels);
            return (Array.ConvertAll(planes, value => value / (float)Levels), 1.0 / Levels);
        }

        ushort[] wide = Images.Planes.Convert(Wide, Shape.Channels, channels);
        return (Array.ConvertAll(wide, value => value / (float)WideLevels), 1.0 / WideLevels);
    }
}
