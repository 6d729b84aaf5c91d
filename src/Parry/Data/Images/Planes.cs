namespace Parry.Data.Images;

/// <summary>
/// Converts between planes ([C, H, W], as everywhere in Parry) and interleaved pixels ([H, W, C], as image files have them), and
/// holds the limits of the image readers.
/// </summary>
internal static class Planes
{
    private const int MaxPixels = 64 << 20;

    public static byte[] Interleave(ReadOnlySpan<byte> planes, ImageShape shape) =>
        Transpose(planes, shape.Channels, shape.Height * shape.Width);

    public static byte[] Separate(byte[] pixels, ImageShape shape) =>
        shape.Channels == 1 ? pixels : Transpose(pixels, shape.Height * shape.Width, shape.Channels);

    /// <summary>Gray as three equal planes, or color as its luma by ITU-R 601, rounded as Pillow's <c>convert("L")</c> does.</summary>
    public static byte[] Convert(byte[] planes, int from, int to)
    {
        if (from == to)
        {
            return planes;
        }

        if (to == 3)
        {
            return [.. planes, .. planes, .. planes];
        }

        var gray = new byte[planes.Length / 3];
        for (var i = 0; i < gray.Length; i++)
        {
            gray[i] = (byte)(((planes[i] * 19_595) + (planes[gray.Length + i] * 38_470) + (planes[(2 * gray.Length) + i] * 7_471) + 0x8000) >> 16);
        }

        return gray;
    }

    public static void CheckChannels(int channels)
    {
        if (channels is not (1 or 3))
        {
            throw new ArgumentOutOfRangeException(nameof(channels), channels, "expected 1 channel (gray) or 3 (red, green, blue)");
        }
    }

    /// <summary>Refuses what no honest file of this length can hold, before memory is taken for it.</summary>
    public static void CheckSize(string format, long width, long height, long minimumFileBytes, long fileBytes)
    {
        if (width < 1 || height < 1 || width * height > MaxPixels)
        {
            throw new InvalidDataException($"expected a {format} of 1 to {MaxPixels} pixels, its header declares {width}x{height}");
        }

        if (fileBytes < minimumFileBytes)
        {
            throw new InvalidDataException(
                $"expected at least {minimumFileBytes} bytes for the {width}x{height} pixels this {format} declares, got {fileBytes}: it is cut off or corrupt");
        }
    }

    private static byte[] Transpose(ReadOnlySpan<byte> source, int rows, int columns)
    {
        var result = new byte[source.Length];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                result[(column * rows) + row] = source[(row * columns) + column];
            }
        }

        return result;
    }
}
