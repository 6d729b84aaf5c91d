using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Parry.Data.Images;

/// <summary>Reads and writes PNG files in memory through the system's libpng 1.6 and its simplified interface.</summary>
public static unsafe partial class Png
{
    private const string Library = "libpng16.so.16";
    private const string Package = "libpng16-16";
    private const uint Version = 1;
    private const uint Gray = 0;
    private const uint Color = 2;

    /// <summary>Encodes an image as an 8-bit gray or RGB PNG, which decodes to the same values.</summary>
    /// <param name="planes">The values as [C, H, W].</param>
    /// <param name="shape">The shape, of 1 or 3 channels.</param>
    /// <exception cref="ArgumentException">The number of values or channels does not fit.</exception>
    /// <exception cref="UserErrorException">libpng is not installed.</exception>
    public static byte[] Encode(ReadOnlySpan<byte> planes, ImageShape shape)
    {
        Planes.CheckChannels(shape.Channels);
        if (planes.Length != shape.Pixels || planes.IsEmpty)
        {
            throw new ArgumentException($"expected {shape.Pixels} values for an image of {shape}, got {planes.Length}", nameof(planes));
        }

        SystemLibrary.Require(Library, Package);
        var image = new PngImage
        {
            Version = Version,
            Width = (uint)shape.Width,
            Height = (uint)shape.Height,
            Format = shape.Channels == 1 ? Gray : Color,
        };

        // A zlib stream never grows by more than a few bytes a block; rows carry a filter byte each.
        var file = new byte[shape.Pixels + (shape.Pixels / 100) + (2 * shape.Height) + 1024];
        var size = (nuint)file.Length;
        fixed (byte* pixels = Planes.Interleave(planes, shape), memory = file)
        {
            if (png_image_write_to_memory(&image, memory, &size, 0, pixels, 0, null) == 0)
            {
                throw new InvalidOperationException($"libpng could not encode an image of {shape}: {Message(image)}");
            }
        }

        return file[..(int)size];
    }

    /// <summary>
    /// Decodes a PNG of any kind to 8-bit gray or RGB; transparent pixels are laid over black.
    /// </summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="channels">1 for gray, 3 for red, green and blue, null for what the file has.</param>
    /// <returns>The shape and the values as [C, H, W].</returns>
    /// <exception cref="InvalidDataException">The file is not a PNG, is corrupt, or declares more than 64 Mi pixels.</exception>
    /// <exception cref="UserErrorException">libpng is not installed.</exception>
    public static (ImageShape Shape, byte[] Planes) Decode(ReadOnlySpan<byte> file, int? channels = null)
    {
        if (channels is { } asked)
        {
            Planes.CheckChannels(asked);
        }

        var image = new PngImage { Version = Version };
        fixed (byte* memory = file)
        {
            try
            {
                var declared = Begin(&image, memory, file);
                var shape = declared with { Channels = channels ?? declared.Channels };
                image.Format = shape.Channels == 1 ? Gray : Color;
                var pixels = new byte[shape.Pixels];
                fixed (byte* buffer = pixels)
                {
                    if (png_image_finish_read(&image, null, buffer, 0, null) == 0)
                    {
                        throw Corrupt(image);
                    }
                }

                return (shape, Planes.Separate(pixels, shape));
            }
            finally
            {
                png_image_free(&image);
            }
        }
    }

    /// <summary>The shape that a PNG declares: 1 channel if it is gray, else 3.</summary>
    /// <exception cref="InvalidDataException">The file is not a PNG, its header is corrupt, or it declares more than 64 Mi pixels.</exception>
    /// <exception cref="UserErrorException">libpng is not installed.</exception>
    internal static ImageShape DecodeShape(ReadOnlySpan<byte> file)
    {
        var image = new PngImage { Version = Version };
        fixed (byte* memory = file)
        {
            try
            {
                return Begin(&image, memory, file);
            }
            finally
            {
                png_image_free(&image);
            }
        }
    }

    private static ImageShape Begin(PngImage* image, byte* memory, ReadOnlySpan<byte> file)
    {
        SystemLibrary.Require(Library, Package);
        if (png_image_begin_read_from_memory(image, memory, (nuint)file.Length) == 0)
        {
            throw Corrupt(*image);
        }

        Planes.CheckSize("PNG", image->Width, image->Height, MinimumBytes(file), file.Length);
        return new ImageShape((image->Format & Color) == 0 ? 1 : 3, (int)image->Height, (int)image->Width);
    }

    /// <summary>The fewest bytes that can hold the declared pixels: Deflate shrinks at most 1032-fold.</summary>
    private static long MinimumBytes(ReadOnlySpan<byte> file)
    {
        // libpng has checked that the header comes first: width at 16, height at 20, bit depth at 24, color type at 25.
        long width = BinaryPrimitives.ReadUInt32BigEndian(file[16..]);
        long height = BinaryPrimitives.ReadUInt32BigEndian(file[20..]);
        var samples = file[25] switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        return ((width * samples * file[24] / 8) + 1) * height / 1032;
    }

    private static InvalidDataException Corrupt(in PngImage image) => new($"expected an undamaged PNG, libpng says: {Message(image)}");

    private static string Message(in PngImage image)
    {
        fixed (byte* message = image.Message)
        {
            var text = new ReadOnlySpan<byte>(message, PngImage.MessageBytes);
            return Encoding.ASCII.GetString(text[..Math.Max(0, text.IndexOf((byte)0))]);
        }
    }

    [LibraryImport(Library)]
    private static partial int png_image_begin_read_from_memory(PngImage* image, byte* memory, nuint size);

    [LibraryImport(Library)]
    private static partial int png_image_finish_read(PngImage* image, void* background, byte* buffer, int rowStride, void* colorMap);

    [LibraryImport(Library)]
    private static partial int png_image_write_to_memory(
        PngImage* image, byte* memory, nuint* memoryBytes, int convertTo8Bit, byte* buffer, int rowStride, void* colorMap);

    [LibraryImport(Library)]
    private static partial void png_image_free(PngImage* image);

    /// <summary>The png_image of png.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PngImage
    {
        public const int MessageBytes = 64;

        public nint Opaque;
        public uint Version;
        public uint Width;
        public uint Height;
        public uint Format;
        public uint Flags;
        public uint ColorMapEntries;
        public uint WarningOrError;
        public fixed byte Message[MessageBytes];
    }
}
