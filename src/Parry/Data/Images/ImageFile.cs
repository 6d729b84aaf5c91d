namespace Parry.Data.Images;

/// <summary>Reads image files from disk.</summary>
public static class ImageFile
{
    private const long MaxBytes = 256L << 20;

    /// <summary>Reads a PNG or JPEG, recognized by its content.</summary>
    /// <param name="path">The file.</param>
    /// <param name="channels">1 for gray, 3 for red, green and blue, null for what the file has.</param>
    /// <returns>The shape and the values as [C, H, W].</returns>
    /// <exception cref="UserErrorException">The file is missing, empty, larger than 256 MiB, of another kind, or
    /// corrupt.</exception>
    public static (ImageShape Shape, byte[] Planes) Read(string path, int? channels = null) =>
        Read(path, file => Png.Decode(file, channels), file => Jpeg.Decode(file, channels));

    /// <summary>The shape that the header of a PNG or JPEG declares: 1 channel if it is gray, else 3.</summary>
    /// <exception cref="UserErrorException">The file is missing, empty, larger than 256 MiB, of another kind, or its
    /// header is corrupt.</exception>
    public static ImageShape ReadShape(string path) =>
        Read(path, file => Png.DecodeShape(file), file => Jpeg.DecodeShape(file));

    private static T Read<T>(string path, Func<byte[], T> png, Func<byte[], T> jpeg)
    {
        byte[] file;
        try
        {
            // Devices and pipes, which may never end, have no length.
            var length = new FileInfo(path).Length;
            file = length is > 0 and <= MaxBytes
                ? File.ReadAllBytes(path)
                : throw new UserErrorException(
                    $"{path}: expected an image file of 1 to {MaxBytes} bytes, got {length}: give another file"
                );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path}: expected a readable image file, got: {e.Message}", e);
        }

        try
        {
            return file switch
            {
                [0x89, (byte)'P', (byte)'N', (byte)'G', ..] => png(file),
                [0xff, 0xd8, ..] => jpeg(file),
                _ => throw new InvalidDataException("expected a PNG or JPEG image, got another kind of file"),
            };
        }
        catch (InvalidDataException e)
        {
            throw new UserErrorException($"{path}: {e.Message}: give another file", e);
        }
    }
}
