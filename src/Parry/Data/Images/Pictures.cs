namespace Parry.Data.Images;

/// <summary>A picture in a file.</summary>
/// <param name="File">The path.</param>
/// <param name="Label">The class.</param>
/// <param name="Place">Where the file is listed, as the beginning of a message; empty if it is not listed.</param>
internal readonly record struct Picture(string File, int Label, string Place = "")
{
    /// <summary>The shape that the file declares: 1 channel if the picture is gray, else 3.</summary>
    /// <param name="upright">Whether the picture is turned as its camera orientation says.</param>
    public ImageShape ReadShape(bool upright)
    {
        var (shape, orientation) = Located(ImageFile.ReadHeader);
        return upright ? Orientation.UprightShape(shape, orientation) : shape;
    }

    /// <summary>Decodes the file.</summary>
    /// <param name="upright">Whether the picture is turned as its camera orientation says.</param>
    public DecodedPicture Read(bool upright)
    {
        DecodedPicture picture = Located(ImageFile.Decode);
        return upright ? picture.Upright() : picture;
    }

    private T Located<T>(Func<string, T> read)
    {
        try
        {
            return read(File);
        }
        catch (UserErrorException e) when (Place.Length > 0)
        {
            throw new UserErrorException($"{Place}{e.Message}", e);
        }
    }
}

/// <summary>Recognizes pictures and finds their common shape.</summary>
internal static class Pictures
{
    public const string Extensions = ".png, .jpg, .jpeg, .webp, .bmp or .gif";

    /// <summary>
    /// Whether a file has the extension of a picture. Names with control characters, which would break messages, do not
    /// count.
    /// </summary>
    public static bool IsPicture(string file) =>
        !file.Any(char.IsControl)
        && Path.GetExtension(file).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg" or ".webp" or ".bmp" or ".gif";

    /// <summary>
    /// Returns the model's shape; if unknown, the common shape of all pictures, in color if one of them is.
    /// </summary>
    /// <exception cref="UserErrorException">The model takes neither gray nor color images; or its shape is not known,
    /// and the pictures have several sizes.</exception>
    public static ImageShape Shape(ImagePreparation preparation, IEnumerable<Picture> pictures, string name)
    {
        if (preparation.Shape is not { } taken)
            return CommonShape(pictures, name, preparation.ExifRotate);
        return taken.Channels is 1 or 3
            ? taken
            : throw new UserErrorException(
                $"expected a model of images with 1 or 3 channels for {name}, got one that takes "
                    + $"{taken}: give another model"
            );
    }

    private static ImageShape CommonShape(IEnumerable<Picture> pictures, string name, bool upright)
    {
        (ImageShape Shape, string File)? first = null;
        foreach (Picture picture in pictures)
        {
            ImageShape shape = picture.ReadShape(upright);
            first ??= (shape, picture.File);
            var (common, file) = first.Value;
            if ((shape.Height, shape.Width) != (common.Height, common.Width))
                throw new UserErrorException(
                    $"expected {name} to have pictures of one size, as the size that the model takes is not known, "
                        + $"got {common} ({Path.GetFileName(file)}) and {shape} ({Path.GetFileName(picture.File)}): "
                        + "resize them to one size"
                );
            if (shape.Channels > common.Channels)
                first = (shape, picture.File);
        }

        return first!.Value.Shape;
    }
}
