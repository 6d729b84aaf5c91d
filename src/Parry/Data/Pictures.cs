using Parry.Data.Images;

namespace Parry.Data;

/// <summary>A picture in a file.</summary>
/// <param name="File">Its path.</param>
/// <param name="Label">Its class.</param>
/// <param name="Place">Where it is listed, to begin a message with; empty if nowhere.</param>
internal readonly record struct Picture(string File, int Label, string Place = "");

/// <summary>Makes pictures in files into sets of images.</summary>
internal static class Pictures
{
    public const string Extensions = ".png, .jpg or .jpeg";

    private const int Threads = 4;
    private const int LargePixels = 16 << 20;

    private static readonly Lock s_large = new();

    /// <summary>
    /// Whether the file's name ends like a picture's; one with control characters would break messages.
    /// </summary>
    public static bool IsPicture(string file) =>
        !file.Any(char.IsControl) && Path.GetExtension(file).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg";

    /// <summary>
    /// The model's shape; or, where it says none, that of all pictures, which is in color if one of them is.
    /// </summary>
    /// <exception cref="UserErrorException">The model takes neither gray nor color images; or it says nothing, and the
    /// pictures' sizes differ.</exception>
    public static ImageShape Shape(ImagePreparation preparation, IEnumerable<Picture> pictures, string name)
    {
        if (preparation.Shape is { } taken)
            return taken.Channels is 1 or 3
                ? taken
                : throw new UserErrorException(
                    $"expected a model of images with 1 or 3 channels for {name}, it takes {taken}: give another model"
                );
        (ImageShape Shape, string File)? first = null;
        foreach (Picture picture in pictures)
        {
            ImageShape shape = Read(picture, ImageFile.ReadShape);
            var (common, file) = first ??= (shape, picture.File);
            if ((shape.Height, shape.Width) != (common.Height, common.Width))
                throw new UserErrorException(
                    $"expected {name} to have pictures of one size, as nothing says which one the model takes, got "
                        + $"{common} ({Path.GetFileName(file)}) and {shape} ({Path.GetFileName(picture.File)}): "
                        + $"make them equal"
                );
            if (shape.Channels > common.Channels)
                first = (shape, picture.File);
        }

        return first!.Value.Shape;
    }

    /// <summary>Decodes the first pictures, that many or all, and no others.</summary>
    /// <param name="name">The set's name.</param>
    /// <param name="pictures">The pictures in order.</param>
    /// <param name="count">How many; all if null.</param>
    /// <param name="orFewer">Whether fewer will do where there are no more.</param>
    /// <param name="shape">What they become.</param>
    /// <param name="classNames">The classes' names.</param>
    /// <param name="apply">Makes a picture of a shape into an image.</param>
    /// <param name="how">How it does that if the size differs, for the set's note.</param>
    /// <param name="skipped">What else was found, for the set's note.</param>
    /// <exception cref="UserErrorException">There are fewer, one is not readable, or they would not fit into
    /// memory.</exception>
    public static ImageSet Load(
        string name,
        IReadOnlyList<Picture> pictures,
        int? count,
        bool orFewer,
        ImageShape shape,
        IReadOnlyList<string> classNames,
        Func<byte[], ImageShape, ImageShape, byte[]> apply,
        string how,
        string? skipped = null
    )
    {
        int wanted = orFewer ? Math.Min(count ?? pictures.Count, pictures.Count) : count ?? pictures.Count;
        if (wanted < 1)
            throw new UserErrorException($"expected a count of at least 1 image of {name}, got {wanted}");
        if (wanted > pictures.Count)
            throw new UserErrorException(
                $"{name} has {pictures.Count} images, got a count of {wanted}: ask for at most {pictures.Count}"
            );
        if (wanted > Array.MaxLength / shape.Pixels)
            throw new UserErrorException(
                $"expected at most {Array.MaxLength / shape.Pixels} images of {shape} from {name} at once, got "
                    + $"{wanted}: ask for fewer"
            );
        var pixels = new byte[wanted * shape.Pixels];
        int resized = 0,
            recolored = 0,
            firstBad = int.MaxValue;
        UserErrorException? bad = null;

        // Break lets the pictures before a bad one be tried, so that it is always the first bad one that is told.
        Parallel.For(
            0,
            wanted,
            new ParallelOptions { MaxDegreeOfParallelism = Math.Min(Threads, Environment.ProcessorCount) },
            (i, state) =>
            {
                try
                {
                    var (from, planes) = Decode(pictures[i]);
                    apply(planes, from, shape).CopyTo(pixels, i * shape.Pixels);
                    if ((from.Height, from.Width) != (shape.Height, shape.Width))
                        Interlocked.Increment(ref resized);
                    if (from.Channels != shape.Channels)
                        Interlocked.Increment(ref recolored);
                }
                catch (UserErrorException e)
                {
                    lock (pixels)
                    {
                        if (i < firstBad)
                            (firstBad, bad) = (i, e);
                    }

                    state.Break();
                }
            }
        );
        if (bad is not null)
            throw new UserErrorException(bad.Message, bad);

        string[] notes =
        [
            .. resized > 0 ? [$"{resized} of {wanted} pictures were {how}"] : Array.Empty<string>(),
            .. recolored > 0
                ?
                [
                    $"{recolored} of {wanted} pictures were turned "
                        + $"{(shape.Channels == 1 ? "gray" : "from gray to color")}",
                ]
                : Array.Empty<string>(),
            .. skipped is not null ? [skipped] : Array.Empty<string>(),
        ];
        int[] labels = [.. pictures.Take(wanted).Select(picture => picture.Label)];
        return new ImageSet(name, shape, pixels, labels, classNames)
        {
            Note = notes.Length > 0 ? $"{name}: {string.Join("; ", notes)}" : null,
        };
    }

    /// <summary>How <see cref="ImagePreparation.Apply"/> changes sizes, for a note.</summary>
    public static string Prepared(ImageShape shape) =>
        $"resized and cut to the middle {shape.Height}x{shape.Width} pixels";

    /// <summary>A name from a file or a folder as it may stand in a message: short and in one line.</summary>
    public static string Shown(string text) =>
        new([.. text.Take(60).Select(letter => char.IsControl(letter) ? '?' : letter), .. text.Length > 60 ? "…" : ""]);

    // Only one very large picture is in memory at a time.
    private static (ImageShape Shape, byte[] Planes) Decode(Picture picture)
    {
        if (Read(picture, ImageFile.ReadShape).Pixels <= LargePixels)
            return Read(picture, file => ImageFile.Read(file));
        lock (s_large)
            return Read(picture, file => ImageFile.Read(file));
    }

    private static T Read<T>(Picture picture, Func<string, T> read)
    {
        try
        {
            return read(picture.File);
        }
        catch (UserErrorException e) when (picture.Place.Length > 0)
        {
            throw new UserErrorException($"{picture.Place}{e.Message}", e);
        }
    }
}
