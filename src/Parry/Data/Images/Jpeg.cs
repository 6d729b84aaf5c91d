using System.Runtime.InteropServices;

namespace Parry.Data.Images;

/// <summary>Reads and writes JPEG files in memory through the system's libjpeg-turbo.</summary>
public static unsafe partial class Jpeg
{
    private const string Library = "libturbojpeg.so.0";
    private const string Package = "libturbojpeg0";
    private const int Rgb = 0;
    private const int Gray = 6;
    private const int GrayColorSpace = 2;
    private const int GraySampling = 3;
    private const int HalfColorSampling = 2;
    private const int NoReallocation = 1024;
    private const int StopOnWarning = 8192;
    private const int LimitScans = 32768;

    /// <summary>Decodes a JPEG to 8-bit gray or RGB. A file that decodes only with warnings, such as one cut off, is refused.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="channels">1 for gray, 3 for red, green and blue, null for what the file has.</param>
    /// <returns>The shape and the values as [C, H, W].</returns>
    /// <exception cref="InvalidDataException">The file is not a JPEG, is corrupt, or declares more than 64 Mi pixels.</exception>
    /// <exception cref="UserErrorException">libjpeg-turbo is not installed.</exception>
    public static (ImageShape Shape, byte[] Planes) Decode(ReadOnlySpan<byte> file, int? channels = null)
    {
        if (channels is { } asked)
        {
            Planes.CheckChannels(asked);
        }

        var decoder = StartDecoder();
        try
        {
            fixed (byte* memory = file)
            {
                var declared = Begin(decoder, memory, file.Length);
                var shape = declared with { Channels = channels ?? declared.Channels };
                var pixels = new byte[shape.Pixels];
                fixed (byte* buffer = pixels)
                {
                    var format = shape.Channels == 1 ? Gray : Rgb;
                    if (tjDecompress2(decoder, memory, (nuint)file.Length, buffer, shape.Width, 0, shape.Height, format, StopOnWarning | LimitScans) != 0)
                    {
                        throw Corrupt(decoder);
                    }
                }

                return (shape, Planes.Separate(pixels, shape));
            }
        }
        finally
        {
            _ = tjDestroy(decoder);
        }
    }

    /// <summary>The shape that a JPEG declares: 1 channel if it is gray, else 3.</summary>
    /// <exception cref="InvalidDataException">The file is not a JPEG, its header is corrupt, or it declares more than 64 Mi pixels.</exception>
    /// <exception cref="UserErrorException">libjpeg-turbo is not installed.</exception>
    internal static ImageShape DecodeShape(ReadOnlySpan<byte> file)
    {
        var decoder = StartDecoder();
        try
        {
            fixed (byte* memory = file)
            {
                return Begin(decoder, memory, file.Length);
            }
        }
        finally
        {
            _ = tjDestroy(decoder);
        }
    }

    /// <summary>Encodes an image as a JPEG: gray, or color at half the resolution (4:2:0), as cameras and the web do.</summary>
    /// <param name="planes">The values as [C, H, W].</param>
    /// <param name="shape">The image's shape, of 1 or 3 channels.</param>
    /// <param name="quality">1 to 100.</param>
    /// <exception cref="UserErrorException">libjpeg-turbo is not installed.</exception>
    public static byte[] Encode(ReadOnlySpan<byte> planes, ImageShape shape, int quality)
    {
        Planes.CheckChannels(shape.Channels);
        ArgumentOutOfRangeException.ThrowIfNotEqual(planes.Length, shape.Pixels);
        SystemLibrary.Require(Library, Package);
        nint encoder = tjInitCompress();
        if (encoder == 0) throw new InvalidOperationException($"libjpeg-turbo could not start: {Message(0)}");
        try
        {
            var (format, sampling) = shape.Channels == 1 ? (Gray, GraySampling) : (Rgb, HalfColorSampling);
            var file = new byte[checked((int)tjBufSize(shape.Width, shape.Height, sampling))];
            nuint size = (nuint)file.Length;
            fixed (byte* pixels = Planes.Interleave(planes, shape), memory = file)
            {
                byte* target = memory;
                if (tjCompress2(encoder, pixels, shape.Width, 0, shape.Height, format, &target, &size, sampling, quality, NoReallocation) != 0)
                    throw new InvalidOperationException($"libjpeg-turbo could not encode an image of {shape}: {Message(encoder)}");
            }

            return file[..(int)size];
        }
        finally
        {
            _ = tjDestroy(encoder);
        }
    }

    private static nint StartDecoder()
    {
        SystemLibrary.Require(Library, Package);
        var decoder = tjInitDecompress();
        return decoder != 0 ? decoder : throw new InvalidOperationException($"libjpeg-turbo could not start: {Message(0)}");
    }

    private static ImageShape Begin(nint decoder, byte* memory, int length)
    {
        int width, height, subsampling, colorSpace;
        if (tjDecompressHeader3(decoder, memory, (nuint)length, &width, &height, &subsampling, &colorSpace) != 0)
        {
            throw Corrupt(decoder);
        }

        // A block of 8x8 pixels takes a bit at the very least, twice that in every ordinary file.
        Planes.CheckSize("JPEG", width, height, (long)width * height / 512, length);
        return new ImageShape(colorSpace == GrayColorSpace ? 1 : 3, height, width);
    }

    private static InvalidDataException Corrupt(nint decoder) => new($"expected an undamaged JPEG, libjpeg-turbo says: {Message(decoder)}");

    private static string Message(nint decoder) => Marshal.PtrToStringUTF8(tjGetErrorStr2(decoder)) ?? "no reason";

    [LibraryImport(Library)]
    private static partial nint tjInitDecompress();

    [LibraryImport(Library)]
    private static partial int tjDecompressHeader3(
        nint decoder, byte* file, nuint size, int* width, int* height, int* subsampling, int* colorSpace);

    [LibraryImport(Library)]
    private static partial int tjDecompress2(
        nint decoder, byte* file, nuint size, byte* pixels, int width, int pitch, int height, int pixelFormat, int flags);

    [LibraryImport(Library)]
    private static partial nint tjInitCompress();

    [LibraryImport(Library)]
    private static partial nuint tjBufSize(int width, int height, int subsampling);

    [LibraryImport(Library)]
    private static partial int tjCompress2(
        nint encoder, byte* pixels, int width, int pitch, int height, int pixelFormat, byte** file, nuint* size, int subsampling, int quality, int flags);

    [LibraryImport(Library)]
    private static partial nint tjGetErrorStr2(nint decoder);

    [LibraryImport(Library)]
    private static partial int tjDestroy(nint decoder);
}
