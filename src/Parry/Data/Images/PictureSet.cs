namespace Parry.Data.Images;

/// <summary>Pictures in files and how they are converted to images.</summary>
internal sealed record PictureSet
{
    private const int Threads = 4;
    private const int LargePixels = 16 << 20;
    private const string Faults = "extra bytes, no Huffman tables, damage beside the pixels";

    private static readonly Lock s_large = new();

    /// <summary>The name of the set.</summary>
    public required string Name { get; init; }

    /// <summary>The pictures in order.</summary>
    public required IReadOnlyList<Picture> Pictures { get; init; }

    /// <summary>The shape of the images.</summary>
    public required ImageShape Shape { get; init; }

    /// <summary>The names of the classes.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>Converts a picture [C, H, W] to an image of the set's shape.</summary>
    public required Func<byte[], ImageShape, ImageShape, byte[]> Prepare { get; init; }

    /// <summary>Describes what <see cref="Prepare"/> does to a picture of another size, for the set's note.</summary>
    public required string Change { get; init; }

    /// <summary>Whether pictures are turned as their camera orientation says.</summary>
    public required bool ExifRotate { get; init; }

    /// <summary>Describes what was found besides the pictures, for the set's note.</summary>
    public string? Skipped { get; init; }

    /// <summary>Decodes the first <paramref name="count"/> pictures, or all.</summary>
    /// <param name="count">The number of images; all if null, or if there are fewer.</param>
    /// <exception cref="UserErrorException">One is not readable, or they do not fit into memory.</exception>
    public ImageSet Load(int? count)
    {
        int wanted = Math.Min(count ?? Pictures.Count, Pictures.Count);
        CheckCount(wanted);
        var pixels = new byte[wanted * Shape.Pixels];
        var traits = new PictureTraits[wanted];
        var failures = new SortedDictionary<int, UserErrorException>();

        // Break still lets the pictures before a bad one be read, so the error is always that of the first bad picture.
        Parallel.For(
            0,
            wanted,
            new ParallelOptions { MaxDegreeOfParallelism = Math.Min(Threads, Environment.ProcessorCount) },
            (i, state) =>
            {
                try
                {
                    DecodedPicture picture = Decode(Pictures[i]);
                    Prepare(picture.Planes, picture.Shape, Shape).CopyTo(pixels, i * Shape.Pixels);
                    traits[i] = picture.Traits | ChangesOf(picture.Shape);
                }
                catch (UserErrorException e)
                {
                    lock (failures)
                        failures.Add(i, e);
                    state.Break();
                }
            }
        );
        if (failures.Count > 0)
        {
            UserErrorException first = failures.First().Value;
            throw new UserErrorException(first.Message, first);
        }

        int[] labels = [.. Pictures.Take(wanted).Select(picture => picture.Label)];
        var images = new ImageSet(Name, Shape, pixels, labels, ClassNames)
        {
            Note = NoteOf(traits),
            Files = [.. Pictures.Take(wanted).Select(picture => picture.File)],
        };
        return count is { } asked ? images.TakeOrAll(asked) : images;
    }

    private void CheckCount(int wanted)
    {
        if (wanted < 1)
            throw new UserErrorException($"expected a count of at least 1 image of {Name}, got {wanted}");
        int most = Array.MaxLength / Shape.Pixels;
        if (wanted > most)
            throw new UserErrorException(
                $"expected at most {most} images of {Shape} from {Name} at once, got {wanted}: ask for fewer"
            );
    }

    private PictureTraits ChangesOf(ImageShape from)
    {
        bool resized = (from.Height, from.Width) != (Shape.Height, Shape.Width);
        bool recolored = from.Channels != Shape.Channels;
        return (resized ? PictureTraits.Resized : PictureTraits.None)
            | (recolored ? PictureTraits.Recolored : PictureTraits.None);
    }

    private string? NoteOf(PictureTraits[] pictures)
    {
        var notes = new List<string>();
        foreach (var (trait, text) in Texts())
        {
            int count = pictures.Count(traits => traits.HasFlag(trait));
            if (count > 0)
                notes.Add($"{count} of {pictures.Length} pictures {text}");
        }

        if (Skipped is not null)
            notes.Add(Skipped);
        return notes.Count > 0 ? $"{Name}: {string.Join("; ", notes)}" : null;
    }

    private IEnumerable<(PictureTraits Trait, string Text)> Texts() =>
        [
            (PictureTraits.Resized, $"were {Change}"),
            (PictureTraits.Recolored, $"were turned {(Shape.Channels == 1 ? "gray" : "from gray to color")}"),
            (PictureTraits.SixteenBits, "have 16 bits: values are divided by 257"),
            (PictureTraits.Transparent, "have transparent pixels: alpha is dropped, the stored colors count"),
            (PictureTraits.Cmyk, "are CMYK: converted to RGB"),
            (PictureTraits.Faulty, $"have faults that decoders warn about ({Faults}): read all the same"),
            (PictureTraits.Animated, "are animated: the first frame counts"),
            (
                PictureTraits.Turned,
                ExifRotate
                    ? "were turned as their camera orientation says"
                    : "have a camera orientation, ignored as in torchvision: --exif-rotate applies it"
            ),
        ];

    // Only one very large picture is in memory at a time.
    private DecodedPicture Decode(Picture picture)
    {
        if (picture.ReadShape(ExifRotate).Pixels <= LargePixels)
            return picture.Read(ExifRotate);
        lock (s_large)
            return picture.Read(ExifRotate);
    }
}
