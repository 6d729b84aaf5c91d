using System.Buffers.Binary;
using SkiaSharp;

namespace Parry.Data.Images;

/// <summary>Reads and writes PNG files in memory through Skia, which has libpng inside.</summary>
public static class Png
{
    private const string Format = "PNG";
    private const int ColorBit = 2;

    /// <summary>Encodes an image as an 8-bit gray or RGB PNG, which decodes to the same values.</summary>
    /// <param name="planes">The values as [C, H, W].</param>
    /// <param name="shape">The shape, of 1 or 3 channels.</param>
    /// <exception cref="ArgumentException">The number of values or channels does not fit.</exception>
    public static byte[] Encode(ReadOnlySpan<byte> planes, ImageShape shape)
    {
        Planes.CheckChannels(shape.Channels);
        if (planes.Length != shape.Pixels || planes.IsEmpty)
        {
            throw new ArgumentException(
                $"expected {shape.Pixels} values for an image of {shape}, got {planes.Length}", nameof(planes));
        }

        return Skia.Encode(planes, shape, pixels => pixels.Encode(SKPngEncoderOptions.Default));
    }

    /// <summary>
    /// Decodes a PNG of any kind to 8-bit gray or RGB; transparent pixels are laid over black.
    /// </summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="channels">1 for gray, 3 for red, green and blue, null for what the file has.</param>
    /// <returns>The shape and the values as [C, H, W].</returns>
    /// <exception cref="InvalidDataException">
    /// The file is not a PNG, is corrupt, or declares more than 64 Mi pixels.
    /// </exception>
    public static (ImageShape Shape, byte[] Planes) Decode(ReadOnlySpan<byte> file, int? channels = null)
    {
        Planes.CheckChannels(channels ?? 1);
        ImageShape shape = DecodeShape(file);
        PngLight light = PngLight.Of(CheckChunks(file), file[24]);
        using SKCodec codec = Skia.Open(file, Format);
        SKColorType stored = codec.Info.ColorType == SKColorType.Gray8 ? SKColorType.Gray8 : SKColorType.Rgba8888;
        using SKBitmap pixels = Skia.Decode(codec, light.IsWide ? SKColorType.RgbaF16 : stored, Format);
        light.Apply(pixels);
        int bytes = light.IsWide ? 4 : pixels.BytesPerPixel;
        byte[] planes = Planes.Separate(pixels.GetPixelSpan()[..(bytes * shape.Height * shape.Width)], shape, bytes);
        return Planes.Convert(planes, shape, channels);
    }

    /// <summary>The shape that a PNG declares: 1 channel if it is gray, else 3.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is not a PNG, its header is corrupt, or it declares more than 64 Mi pixels.
    /// </exception>
    internal static ImageShape DecodeShape(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]))
        {
            throw new InvalidDataException("expected a PNG, got another kind of file");
        }

        if (file.Length < 33)
        {
            throw Corrupt("it is cut off");
        }

        if (BinaryPrimitives.ReadUInt32BigEndian(file[8..]) != 13 || !file[12..16].SequenceEqual("IHDR"u8))
        {
            throw Corrupt("it does not start with its header");
        }

        CheckSum(file[12..29], file[29..]);
        uint width = BinaryPrimitives.ReadUInt32BigEndian(file[16..]);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(file[20..]);
        int samples = file[25] switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };

        // Deflate shrinks at most 1032-fold.
        long least = (((long)width * samples * file[24] / 8) + 1) * height / 1032;
        Planes.CheckSize(Format, width, height, least, file.Length);
        return new ImageShape((file[25] & ColorBit) == 0 ? 1 : 3, (int)height, (int)width);
    }

    /// <summary>
    /// Refuses what is cut off before the end of the pixels or damaged where it matters. Returns the chunks that come
    /// before the pixels.
    /// </summary>
    private static Dictionary<string, byte[]> CheckChunks(ReadOnlySpan<byte> file)
    {
        var before = new Dictionary<string, byte[]>();
        bool pixels = false;
        for (int at = 8; ;)
        {
            ReadOnlySpan<byte> rest = file[at..];
            uint length = rest.Length < 8 ? 0 : BinaryPrimitives.ReadUInt32BigEndian(rest);
            bool isPixels = rest.Length >= 8 && rest[4..8].SequenceEqual("IDAT"u8);
            if (pixels && !isPixels)
            {
                return before;
            }

            if (rest.Length < 12 || length > rest.Length - 12)
            {
                throw Corrupt("it is cut off");
            }

            pixels = isPixels;
            int size = (int)length;
            bool needed = char.IsAsciiLetterUpper((char)rest[4]);
            if (needed)
            {
                CheckSum(rest[4..(8 + size)], rest[(8 + size)..]);
            }
            else if (length < 16)
            {
                before.TryAdd(System.Text.Encoding.Latin1.GetString(rest[4..8]), rest[8..(8 + size)].ToArray());
            }

            at += 12 + size;
        }
    }

    private static void CheckSum(ReadOnlySpan<byte> chunk, ReadOnlySpan<byte> sum)
    {
        if (Crc32.Of(chunk) != BinaryPrimitives.ReadUInt32BigEndian(sum))
        {
            throw Corrupt("the checksum of one of its parts is wrong");
        }
    }

    private static InvalidDataException Corrupt(string reason) => new($"expected an undamaged PNG: {reason}");
}
