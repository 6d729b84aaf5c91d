namespace Parry.Data.Images;

/// <summary>A decoded picture.</summary>
/// <param name="Shape">The shape: 1 channel if the file is gray, else 3.</param>
/// <param name="Planes">The stored values as [C, H, W].</param>
/// <param name="Orientation">The camera orientation, 1 to 8 as in EXIF; 1 is upright.</param>
/// <param name="Traits">What is remarkable about the file.</param>
internal sealed record DecodedPicture(ImageShape Shape, byte[] Planes, int Orientation, PictureTraits Traits)
{
    /// <summary>The picture, turned as its camera orientation says.</summary>
    public DecodedPicture Upright() =>
        this with
        {
            Shape = Images.Orientation.UprightShape(Shape, Orientation),
            Planes = Images.Orientation.Upright(Planes, Shape, Orientation),
            Orientation = Images.Orientation.None,
        };

    /// <summary>The values in gray or color.</summary>
    /// <param name="channels">1 for gray, 3 for red, green and blue, null for what the file has.</param>
    public (ImageShape Shape, byte[] Planes) In(int? channels) => Images.Planes.Convert(Planes, Shape, channels);
}
