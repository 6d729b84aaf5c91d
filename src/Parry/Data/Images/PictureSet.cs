namespace Parry.Data.Images;

/// <summary>Pictures in files and how they are converted to images.</summary>
internal sealed record PictureSet
{
    private const int Threads = 4;
    private const int LargePixels = 16 << 20;

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

    /// <summary>Describes what was found besides the pictures, for the set's note.</summary>
    public string? Skipped { get; init; }

    /// <summary>Decodes the first <paramref name="count"/> pictures, or all.</summary>
    /// <param name="count">The number of images; all if null.</param>
    /// <param name="orFewer">Whether fewer images are accepted if there are not enough.</param>
    /// <exception cref="UserErrorException">There are fewer pictures, one is not readable, or they do not fit into
    /// memory.</exception>
    public ImageSet Load(int? count, bool orFewer)
    {
        int wanted = count ?? Pictures.Count;
        if (orFewer)
            wanted = Math.Min(wanted, Pictures.Count);
        CheckCount(wanted);
        var pixels = new byte[wanted * Shape.Pixels];
        int resized = 0;
        int recolored = 0;
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
                    var (from, planes) = Decode(Pictures[i]);
                    Prepare(planes, from, Shape).CopyTo(pixels, i * Shape.Pixels);
                    if ((from.Height, from.Width) != (Shape.Height, Shape.Width))
                        Interlocked.Increment(ref resized);
                    if (from.Channels != Shape.Channels)
                        Interlocked.Increment(ref recolored);
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
        return new ImageSet(Name, Shape, pixels, labels, ClassNames)
        {
            Note = NoteOf(wanted, resized, recolored),
            Files = [.. Pictures.Take(wanted).Select(picture => picture.File)],
        };
    }

    private void CheckCount(int wanted)
    {
        if (wanted < 1)
            throw new UserErrorException($"expected a count of at least 1 image of {Name}, got {wanted}");
        if (wanted > Pictures.Count)
            throw new UserErrorException(
                $"{Name} has {Pictures.Count} images, got a count of {wanted}: ask for at most {Pictures.Count}"
            );
        int most = Array.MaxLength / Shape.Pixels;
        if (wanted > most)
            throw new UserErrorException(
                $"expected at most {most} images of {Shape} from {Name} at once, got {wanted}: ask for fewer"
            );
    }

    private string? NoteOf(int count, int resized, int recolored)
    {
        var notes = new List<string>();
        if (resized > 0)
            notes.Add($"{resized} of {count} pictures were {Change}");
        if (recolored > 0)
        {
            string color = Shape.Channels == 1 ? "gray" : "from gray to color";
            notes.Add($"{recolored} of {count} pictures were turned {color}");
        }

        if (Skipped is not null)
            notes.Add(Skipped);
        return notes.Count > 0 ? $"{Name}: {string.Join("; ", notes)}" : null;
    }

    // Only one very large picture is in memory at a time.
    private static (ImageShape Shape, byte[] Planes) Decode(Picture picture)
    {
        if (picture.ReadShape().Pixels <= LargePixels)
            return picture.Read();
        lock (s_large)
            return picture.Read();
    }
}
