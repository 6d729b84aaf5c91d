using SkiaSharp;

namespace Parry.Data.Images;

/// <summary>Reads and writes JPEG files in memory through Skia, which has libjpeg-turbo inside.</summary>
public static class Jpeg
{
    private const string Format = "JPEG";

    /// <summary>
    /// Decodes a JPEG to 8-bit gray or RGB, with the stored values: color profiles are not applied, and CMYK is
    /// converted as Pillow does. A truncated file is refused.
    /// </summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="channels">1 for gray, 3 for red, green and blue, null for what the file has.</param>
    /// <returns>The shape and the values as [C, H, W].</returns>
    /// <exception cref="InvalidDataException"> The file is not a JPEG, is corrupt, or declares more than 64 Mi
    /// pixels.</exception>
    public static (ImageShape Shape, byte[] Planes) Decode(ReadOnlySpan<byte> file, int? channels = null)
    {
        Planes.CheckChannels(channels ?? 1);
        return Read(file).In(channels);
    }

    /// <summary>Decodes a JPEG as <see cref="Decode"/> does.</summary>
    internal static DecodedPicture Read(ReadOnlySpan<byte> file)
    {
        using SKCodec codec = Open(file);
        PictureTraits traits = JpegMarkers.Check(file);
        DecodedPicture picture = Skia.Read(codec, Skia.ShapeOf(codec), Format);
        return picture with { Traits = picture.Traits | traits };
    }

    /// <summary>
    /// The shape and the camera orientation that a JPEG declares: 1 channel if it is gray, else 3.
    /// </summary>
    /// <exception cref="InvalidDataException">
    /// The file is not a JPEG, its header is corrupt, or it declares more than 64 Mi pixels.
    /// </exception>
    internal static (ImageShape Shape, int Orientation) Header(ReadOnlySpan<byte> file)
    {
        using SKCodec codec = Open(file);
        return (Skia.ShapeOf(codec), (int)codec.EncodedOrigin);
    }

    /// <summary>
    /// Encodes an image as a JPEG: gray, or color at half the resolution (4:2:0), as cameras and the web do.
    /// </summary>
    /// <param name="planes">The values as [C, H, W].</param>
    /// <param name="shape">The image's shape, of 1 or 3 channels.</param>
    /// <param name="quality">1 to 100.</param>
    public static byte[] Encode(ReadOnlySpan<byte> planes, ImageShape shape, int quality)
    {
        Planes.CheckChannels(shape.Channels);
        ArgumentOutOfRangeException.ThrowIfNotEqual(planes.Length, shape.Pixels);
        var options = new SKJpegEncoderOptions(
            quality,
            SKJpegEncoderDownsample.Downsample420,
            SKJpegEncoderAlphaOption.Ignore
        );
        return Skia.Encode(planes, shape, pixels => pixels.Encode(options));
    }

    private static SKCodec Open(ReadOnlySpan<byte> file)
    {
        if (file is not [0xff, 0xd8, ..])
            throw new InvalidDataException("expected a JPEG, got another kind of file");
        SKCodec codec = Skia.Open(file, Format);
        try
        {
            // A block of 8x8 pixels takes at least one bit, and at least two in every ordinary file.
            long pixels = (long)codec.Info.Width * codec.Info.Height;
            Planes.CheckSize(Format, codec.Info.Width, codec.Info.Height, pixels / 512, file.Length);
            return codec;
        }
        catch
        {
            codec.Dispose();
            throw;
        }
    }
}
