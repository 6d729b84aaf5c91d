using Parry.Data.Files;

namespace Parry.Data.Images;

/// <summary>
/// Reads image files from disk with the values that Pillow and torchvision give: the stored ones, without gamma, color
/// profile or alpha; 16 bits are divided by 257, and CMYK is converted to RGB.
/// </summary>
public static class ImageFile
{
    private const long MaxBytes = 256L << 20;

    /// <summary>
    /// Reads a PNG, a JPEG, a WebP, a BMP or the first frame of a GIF, recognized by its content.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="channels">1 for gray, 3 for red, green and blue, null for what the file has.</param>
    /// <returns>The shape and the values as [C, H, W].</returns>
    /// <exception cref="UserErrorException">The file is missing, empty, larger than 256 MiB, of another kind, or
    /// corrupt.</exception>
    public static (ImageShape Shape, byte[] Planes) Read(string path, int? channels = null)
    {
        Planes.CheckChannels(channels ?? 1);
        return Decode(path).In(channels);
    }

    /// <summary>The shape that the header of such a file declares: 1 channel if it is gray, else 3.</summary>
    /// <exception cref="UserErrorException">The file is missing, empty, larger than 256 MiB, of another kind, or its
    /// header is corrupt.</exception>
    public static ImageShape ReadShape(string path) => ReadHeader(path).Shape;

    /// <summary>The shape and the camera orientation that the header of such a file declares.</summary>
    /// <exception cref="UserErrorException">As for <see cref="ReadShape"/>.</exception>
    internal static (ImageShape Shape, int Orientation) ReadHeader(string path) =>
        Read(
            path,
            file =>
                KindOf(file) switch
                {
                    Kind.PNG => Png.Header(file),
                    Kind.JPEG => Jpeg.Header(file),
                    var other => Skia.Header(file, other.ToString()),
                }
        );

    /// <summary>Decodes such a file.</summary>
    /// <exception cref="UserErrorException">As for <see cref="Read(string, int?)"/>.</exception>
    internal static DecodedPicture Decode(string path) =>
        Read(
            path,
            file =>
                KindOf(file) switch
                {
                    Kind.PNG => Png.Read(file),
                    Kind.JPEG => Jpeg.Read(file),
                    Kind.GIF => Gif.Read(file),
                    var other => Skia.Read(file, other.ToString()),
                }
        );

    private static T Read<T>(string path, Func<byte[], T> read)
    {
        byte[] file;
        try
        {
            file = RegularFile.ReadBytes(path, MaxBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path}: expected a readable image file, got: {e.Message}", e);
        }

        if (file.Length == 0)
            throw new UserErrorException($"{path}: expected an image, got an empty file: give another file");
        try
        {
            return read(file);
        }
        catch (InvalidDataException e)
        {
            throw new UserErrorException($"{path}: {e.Message}: give another file", e);
        }
    }

    private static Kind KindOf(ReadOnlySpan<byte> file) =>
        file switch
        {
            [0x89, (byte)'P', (byte)'N', (byte)'G', ..] => Kind.PNG,
            [0xff, 0xd8, ..] => Kind.JPEG,
            [(byte)'G', (byte)'I', (byte)'F', (byte)'8', ..] => Kind.GIF,
            [(byte)'B', (byte)'M', ..] => Kind.BMP,
            [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] =>
                Kind.WebP,
            _ => throw new InvalidDataException(
                "expected a PNG, JPEG, WebP, BMP or GIF image, got another kind of file"
            ),
        };

    private enum Kind
    {
        PNG,
        JPEG,
        GIF,
        BMP,
        WebP,
    }
}
