using System.Buffers.Binary;
using SkiaSharp;

namespace Parry.Data.Images;

/// <summary>Reads and writes JPEG files in memory through Skia, which has libjpeg-turbo inside.</summary>
public static class Jpeg
{
    private const string Format = "JPEG";

    // The limit of libjpeg-turbo's own tools; each scan takes the time of a whole picture.
    private const int MostScans = 500;
    private const byte BaselineFrame = 0xc0;
    private const byte ExtendedFrame = 0xc1;
    private const byte FirstRestart = 0xd0;
    private const byte StartOfImage = 0xd8;
    private const byte EndOfImage = 0xd9;
    private const byte StartOfScan = 0xda;

    /// <summary>
    /// Decodes a JPEG to 8-bit gray or RGB, with the stored values: color profiles are not applied. A truncated file is
    /// refused.
    /// </summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="channels">1 for gray, 3 for red, green and blue, null for what the file has.</param>
    /// <returns>The shape and the values as [C, H, W].</returns>
    /// <exception cref="InvalidDataException"> The file is not a JPEG, is corrupt, or declares more than 64 Mi
    /// pixels.</exception>
    public static (ImageShape Shape, byte[] Planes) Decode(ReadOnlySpan<byte> file, int? channels = null)
    {
        Planes.CheckChannels(channels ?? 1);
        using SKCodec codec = Open(file);
        CheckScans(file);
        ImageShape shape = ShapeOf(codec);
        SKColorType type = shape.Channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888;
        using SKBitmap pixels = Skia.Decode(codec, type, Format);
        byte[] planes = Planes.Separate(pixels.GetPixelSpan(), shape, pixels.BytesPerPixel);
        return Planes.Convert(planes, shape, channels);
    }

    /// <summary>The shape that a JPEG declares: 1 channel if it is gray, else 3.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is not a JPEG, its header is corrupt, or it declares more than 64 Mi pixels.
    /// </exception>
    internal static ImageShape DecodeShape(ReadOnlySpan<byte> file)
    {
        using SKCodec codec = Open(file);
        return ShapeOf(codec);
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

    /// <summary>
    /// Refuses a file that ends before its end marker, which Skia would decode as far as it goes; Skia notices missing
    /// data by itself only where one scan has the whole picture.
    /// </summary>
    private static void CheckScans(ReadOnlySpan<byte> file)
    {
        int scans = 0;
        int components = 0;
        bool oneScan = false;
        int at = 2;
        while (NextMarker(file, ref at) is { } marker)
        {
            if (marker == EndOfImage)
                return;
            if (marker is 0 or 1 or (>= FirstRestart and <= StartOfImage))
                continue;
            ReadOnlySpan<byte> segment = file[at..];
            int length = segment.Length < 2 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(segment);
            if (length < 3 || length > segment.Length)
                break;
            if (marker == StartOfScan)
            {
                scans++;
                oneScan = oneScan || segment[2] == components;
            }
            else if (marker is BaselineFrame or ExtendedFrame && length > 7)
            {
                components = segment[7];
            }

            if (scans > MostScans)
                throw new InvalidDataException($"expected a JPEG of at most {MostScans} scans, got more");
            at += length;
        }

        if (!oneScan)
            throw new InvalidDataException("expected an undamaged JPEG: it is cut off");
    }

    /// <summary>Finds the next marker and the position after it; null at the end of the file.</summary>
    private static byte? NextMarker(ReadOnlySpan<byte> file, ref int at)
    {
        int start = file[at..].IndexOf((byte)0xff);
        int more = start < 0 ? -1 : file[(at + start)..].IndexOfAnyExcept((byte)0xff);
        if (more < 0)
            return null;
        at += start + more + 1;
        return file[at - 1];
    }

    private static ImageShape ShapeOf(SKCodec codec) =>
        new(codec.Info.ColorType == SKColorType.Gray8 ? 1 : 3, codec.Info.Height, codec.Info.Width);
}
