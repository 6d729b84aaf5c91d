using System.Buffers.Binary;
using System.Text;
using Parry.Data.Files;
using SkiaSharp;

namespace Parry.Data.Images;

/// <summary>Reads and writes PNG files in memory through Skia, which has libpng inside.</summary>
public static class Png
{
    private const string Format = "PNG";
    private const int ColorBit = 2;
    private const int Palette = 3;
    private static readonly byte[] s_end = [0, 0, 0, 0, .. "IEND"u8, 0xae, 0x42, 0x60, 0x82];

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
                $"expected {shape.Pixels} values for an image of {shape}, got {planes.Length}",
                nameof(planes)
            );
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
        var (chunks, deflated, plain) = ReadChunks(file);
        using SKCodec codec = Skia.Open(plain, Format);
        bool wide = file[24] == 16;
        PngLight light = PngLight.Of(chunks, wide, file[25] == Palette);
        var rows = new PngRows(shape, Samples(file), file[24], file[28] != 0);
        byte[] planes = wide
            ? rows.ReadWide(deflated, chunks.GetValueOrDefault("tRNS"), light)
            : ReadNarrow(codec, rows, deflated, light);
        return Planes.Convert(planes, shape, channels);
    }

    /// <summary>The shape that a PNG declares: 1 channel if it is gray, else 3.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is not a PNG, its header is corrupt, or it declares more than 64 Mi pixels.
    /// </exception>
    internal static ImageShape DecodeShape(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]))
            throw new InvalidDataException("expected a PNG, got another kind of file");
        if (file.Length < 33)
            throw Corrupt("it is cut off");
        if (BinaryPrimitives.ReadUInt32BigEndian(file[8..]) != 13 || !file[12..16].SequenceEqual("IHDR"u8))
            throw Corrupt("it does not start with its header");
        CheckSum(file[12..29], file[29..]);
        uint width = BinaryPrimitives.ReadUInt32BigEndian(file[16..]);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(file[20..]);

        // Deflate shrinks at most 1032-fold.
        long least = (((long)width * Samples(file) * file[24] / 8) + 1) * height / 1032;
        Planes.CheckSize(Format, width, height, least, file.Length);
        return new ImageShape((file[25] & ColorBit) == 0 ? 1 : 3, (int)height, (int)width);
    }

    private static int Samples(ReadOnlySpan<byte> file) =>
        file[25] switch
        {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };

    private static byte[] ReadNarrow(SKCodec codec, PngRows rows, Stream deflated, PngLight light)
    {
        // Skia ignores missing data.
        rows.Check(deflated);
        bool gray = codec.Info.ColorType == SKColorType.Gray8;
        using SKBitmap bitmap = Skia.Decode(codec, gray ? SKColorType.Gray8 : SKColorType.Rgba8888, Format);
        Span<byte> pixels = bitmap.GetPixelSpan();
        for (int i = 0; i < pixels.Length; i++)
        {
            if (gray || i % 4 != 3)
                pixels[i] = light.Narrow(pixels[i], gray ? byte.MaxValue : pixels[i | 3]);
        }

        return Planes.Separate(pixels, rows.Shape, bitmap.BytesPerPixel);
    }

    /// <summary>
    /// Refuses a file that is cut off before the end of the pixels or damaged where it matters. Returns the chunks that
    /// describe the pixels, the deflated pixels, and a file without any other chunk.
    /// </summary>
    private static (Dictionary<string, byte[]> Chunks, Stream Deflated, byte[] Plain) ReadChunks(
        ReadOnlySpan<byte> file
    )
    {
        var chunks = new Dictionary<string, byte[]>();
        var deflated = new MemoryStream();
        var plain = new MemoryStream();
        plain.Write(file[..8]);
        int at = 8;
        while (true)
        {
            ReadOnlySpan<byte> rest = file[at..];
            string name = rest.Length < 8 ? "" : Encoding.Latin1.GetString(rest[4..8]);
            if (deflated.Length > 0 && name != "IDAT")
            {
                plain.Write(s_end);
                deflated.Position = 0;
                return (chunks, deflated, plain.ToArray());
            }

            uint length = rest.Length < 12 ? uint.MaxValue : BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (length > rest.Length - 12)
                throw Corrupt("it is cut off");
            int size = (int)length;
            ReadOnlySpan<byte> content = rest[8..(8 + size)];
            bool needed = name is "IHDR" or "PLTE" or "IDAT";
            if (needed)
            {
                CheckSum(rest[4..(8 + size)], rest[(8 + size)..]);
            }
            else if (!char.IsAsciiLetterLower(name[0]) || !name.All(char.IsAsciiLetter))
            {
                throw Corrupt("it has a part of an unknown kind, or none with pixels");
            }

            bool telling = name is "tRNS" or "gAMA" or "sRGB" && IsRight(rest[4..(8 + size)], rest[(8 + size)..]);
            if (name == "IDAT")
            {
                deflated.Write(content);
            }
            else if (telling)
            {
                chunks.TryAdd(name, content.ToArray());
            }

            if (needed || (telling && name == "tRNS"))
                plain.Write(rest[..(12 + size)]);
            at += 12 + size;
        }
    }

    private static bool IsRight(ReadOnlySpan<byte> chunk, ReadOnlySpan<byte> sum) =>
        Crc32.Of(chunk) == BinaryPrimitives.ReadUInt32BigEndian(sum);

    private static void CheckSum(ReadOnlySpan<byte> chunk, ReadOnlySpan<byte> sum)
    {
        if (!IsRight(chunk, sum))
            throw Corrupt("the checksum of one of its parts is wrong");
    }

    private static InvalidDataException Corrupt(string reason) => new($"expected an undamaged PNG: {reason}");
}
