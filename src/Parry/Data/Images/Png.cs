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
                $"expected {shape.Pixels} values for an image of {shape}, got {planes.Length}",
                nameof(planes)
            );
        }

        return Skia.Encode(planes, shape, pixels => pixels.Encode(SKPngEncoderOptions.Default));
    }

    /// <summary>
    /// Decodes a PNG of any kind to 8-bit gray or RGB, with the stored values: gamma, color profiles and alpha are
    /// ignored, and 16 bits are divided by 257.
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
        return Read(file).In(channels);
    }

    /// <summary>Decodes a PNG as <see cref="Decode"/> does.</summary>
    internal static DecodedPicture Read(ReadOnlySpan<byte> file)
    {
        ImageShape shape = ShapeOf(file);
        PngChunks chunks = PngChunks.Read(file);
        var rows = new PngRows(shape, Samples(file), file[24], file[28] != 0);
        using SKCodec codec = Skia.Open(chunks.Plain, Format);
        bool wide = file[24] == 16;
        DecodedPicture picture = wide ? ReadWide(rows, chunks) : ReadNarrow(codec, rows, chunks);
        PictureTraits traits = picture.Traits | chunks.Traits;
        return picture with { Orientation = chunks.Orientation, Traits = traits };
    }

    /// <summary>
    /// The shape and the camera orientation that a PNG declares: 1 channel if it is gray, else 3.
    /// </summary>
    /// <exception cref="InvalidDataException">
    /// The file is not a PNG, its header is corrupt, or it declares more than 64 Mi pixels.
    /// </exception>
    internal static (ImageShape Shape, int Orientation) Header(ReadOnlySpan<byte> file) =>
        (ShapeOf(file), PngChunks.Read(file, headerOnly: true).Orientation);

    private static ImageShape ShapeOf(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]))
            throw new InvalidDataException("expected a PNG, got another kind of file");
        if (file.Length < 33)
            throw PngChunks.Corrupt("it is cut off");
        if (BinaryPrimitives.ReadUInt32BigEndian(file[8..]) != 13 || !file[12..16].SequenceEqual("IHDR"u8))
            throw PngChunks.Corrupt("it does not start with its header");
        PngChunks.CheckSum(file[12..29], file[29..]);
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

    private static DecodedPicture ReadNarrow(SKCodec codec, PngRows rows, PngChunks chunks)
    {
        // Skia ignores missing data.
        rows.Check(chunks.Pixels);
        return Skia.Read(codec, rows.Shape, Format);
    }

    private static DecodedPicture ReadWide(PngRows rows, PngChunks chunks)
    {
        var (wide, transparent) = rows.ReadWide(chunks.Pixels, chunks.TransparentColor);
        byte[] planes = Array.ConvertAll(wide, value => (byte)((value + 128) / 257));
        PictureTraits traits = transparent
            ? PictureTraits.SixteenBits | PictureTraits.Transparent
            : PictureTraits.SixteenBits;
        return new DecodedPicture(rows.Shape, planes, Orientation.None, traits) { Wide = wide };
    }
}
