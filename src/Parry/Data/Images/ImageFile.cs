namespace Parry.Data.Images;

/// <summary>Reads image files from disk.</summary>
public static class ImageFile
{
    private const long MaxBytes = 256L << 20;

    /// <summary>Reads a PNG or JPEG, whichever the content says.</summary>
    /// <param name="path">The file.</param>
    /// <param name="channels">1 for gray, 3 for red, green and blue.</param>
    /// <returns>The shape and the values as [C, H, W].</returns>
    /// <exception cref="UserErrorException">The file is missing, above 256 MiB, of another kind, or corrupt.</exception>
    public static (ImageShape Shape, byte[] Planes) Read(string path, int channels)
    {
        byte[] file;
        try
        {
            var length = new FileInfo(path).Length;
            file = length <= MaxBytes
                ? File.ReadAllBytes(path)
                : throw new UserErrorException($"{path}: expected an image file of at most {MaxBytes} bytes, got {length}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path}: expected a readable image file, got: {e.Message}", e);
        }

        try
        {
            return file switch
            {
                [0x89, (byte)'P', (byte)'N', (byte)'G', ..] => Png.Decode(file, channels),
                [0xff, 0xd8, ..] => Jpeg.Decode(file, channels),
                _ => throw new InvalidDataException("expected a PNG or JPEG image, got another kind of file"),
            };
        }
        catch (InvalidDataException e)
        {
            throw new UserErrorException($"{path}: {e.Message}: give another file", e);
        }
    }
}
