using System.Numerics;

namespace Parry.Data.Images;

/// <summary>
/// Converts between planes ([C, H, W], as everywhere in Parry) and interleaved pixels ([H, W, C], as image files have
/// them), and holds the limits of the image readers.
/// </summary>
internal static class Planes
{
    private const int MaxPixels = 64 << 20;

    /// <summary>
    /// Writes planes as pixels of <paramref name="step"/> bytes, and fills bytes beyond the channels with 255.
    /// </summary>
    public static void Interleave(ReadOnlySpan<byte> planes, Span<byte> pixels, int channels, int step)
    {
        int count = planes.Length / channels;
        pixels.Fill(255);
        for (int channel = 0; channel < channels; channel++)
        {
            for (int i = 0; i < count; i++)
                pixels[(i * step) + channel] = planes[(channel * count) + i];
        }
    }

    /// <summary>Converts pixels of <paramref name="step"/> bytes to planes.</summary>
    public static byte[] Separate(ReadOnlySpan<byte> pixels, ImageShape shape, int step)
    {
        var planes = new byte[shape.Pixels];
        int count = shape.Height * shape.Width;
        for (int channel = 0; channel < shape.Channels; channel++)
        {
            for (int i = 0; i < count; i++)
                planes[(channel * count) + i] = pixels[(i * step) + channel];
        }

        return planes;
    }

    /// <summary>Converts an image to the requested number of channels, if any.</summary>
    public static (ImageShape Shape, byte[] Planes) Convert(byte[] planes, ImageShape shape, int? channels)
    {
        ImageShape asked = shape with { Channels = channels ?? shape.Channels };
        return (asked, Convert(planes, shape.Channels, asked.Channels));
    }

    /// <summary>
    /// Converts gray to three equal planes, or color to its luma by ITU-R 601, rounded as in Pillow's
    /// <c>convert("L")</c>.
    /// </summary>
    public static T[] Convert<T>(T[] planes, int from, int to)
        where T : IBinaryInteger<T>
    {
        if (from == to)
            return planes;
        if (to == 3)
            return [.. planes, .. planes, .. planes];
        var gray = new T[planes.Length / 3];
        for (var i = 0; i < gray.Length; i++)
        {
            uint red = uint.CreateTruncating(planes[i]);
            uint green = uint.CreateTruncating(planes[gray.Length + i]);
            uint blue = uint.CreateTruncating(planes[(2 * gray.Length) + i]);
            uint luma = ((red * 19_595) + (green * 38_470) + (blue * 7_471) + 0x8000) >> 16;
            gray[i] = T.CreateTruncating(luma);
        }

        return gray;
    }

    public static void CheckChannels(int channels)
    {
        if (channels is not (1 or 3))
        {
            throw new ArgumentOutOfRangeException(
                nameof(channels),
                channels,
                "expected 1 channel (gray) or 3 (red, green, blue)"
            );
        }
    }

    /// <summary>Refuses a size that no valid file of this length can have, before memory is allocated for it.</summary>
    public static void CheckSize(string format, long width, long height, long minimumFileBytes, long fileBytes)
    {
        if (width < 1 || height < 1 || width * height > MaxPixels)
        {
            throw new InvalidDataException(
                $"expected a {format} of 1 to {MaxPixels} pixels, got a header that declares {width}x{height}"
            );
        }

        if (fileBytes < minimumFileBytes)
        {
            throw new InvalidDataException(
                $"expected at least {minimumFileBytes} bytes for the {width}x{height} pixels this {format} "
                    + $"declares, got {fileBytes}: it is cut off or corrupt"
            );
        }
    }
}
