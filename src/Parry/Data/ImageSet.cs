using Parry.Runtime;

namespace Parry.Data;

/// <summary>
/// Labeled images in memory, one byte per value, stored as [N, C, H, W]. A set never changes; parts of it share its
/// memory.
/// </summary>
public sealed class ImageSet
{
    // Of the images of a part as tensors; attacks hold several such tensors for each budget.
    private const int ValuesOfPart = 6_000_000;

    private readonly ReadOnlyMemory<byte> _pixels;
    private readonly ReadOnlyMemory<int> _labels;

    /// <summary>Creates a set from memory that must not change afterwards.</summary>
    /// <param name="name">The name of the set in messages and reports.</param>
    /// <param name="shape">The shape of every image.</param>
    /// <param name="pixels">The values 0 to 255 of all images as [N, C, H, W].</param>
    /// <param name="labels">N labels, each in [0, <paramref name="classNames"/>.Count).</param>
    /// <param name="classNames">One name per class.</param>
    /// <exception cref="ArgumentException">The sizes do not fit together, or a label is out of range.</exception>
    public ImageSet(
        string name,
        ImageShape shape,
        ReadOnlyMemory<byte> pixels,
        ReadOnlyMemory<int> labels,
        IReadOnlyList<string> classNames
    )
    {
        if (shape.Channels < 1 || shape.Height < 1 || shape.Width < 1)
            throw new ArgumentException($"expected a shape of at least 1x1x1, got {shape}", nameof(shape));
        if (pixels.Length != (long)labels.Length * shape.Pixels)
        {
            throw new ArgumentException(
                $"expected {(long)labels.Length * shape.Pixels} values for {labels.Length} images of {shape}, got "
                    + $"{pixels.Length}",
                nameof(pixels)
            );
        }

        foreach (var label in labels.Span)
        {
            if (label < 0 || label >= classNames.Count)
            {
                throw new ArgumentException(
                    $"expected labels 0 to {classNames.Count - 1}, got {label}",
                    nameof(labels)
                );
            }
        }

        Name = name;
        Shape = shape;
        ClassNames = classNames;
        _pixels = pixels;
        _labels = labels;
    }

    /// <summary>The name of the set in messages and reports.</summary>
    public string Name { get; }

    /// <summary>The shape of every image.</summary>
    public ImageShape Shape { get; }

    /// <summary>The classes' names; the label is the index.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>How pictures were changed to become these images, and what was ignored; null if neither.</summary>
    public string? Note { get; init; }

    /// <summary>The files of the images; empty where images have no files of their own.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Number of images.</summary>
    public int Count => _labels.Length;

    /// <summary>The values 0 to 255 of all images as [N, C, H, W].</summary>
    public ReadOnlySpan<byte> Pixels => _pixels.Span;

    /// <summary>The labels of all images.</summary>
    public ReadOnlySpan<int> Labels => _labels.Span;

    /// <summary>The values of one image as [C, H, W].</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is outside [0,
    /// <see cref="Count"/>).</exception>
    public ReadOnlySpan<byte> Image(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return _pixels.Span.Slice(index * Shape.Pixels, Shape.Pixels);
    }

    /// <summary>The first <paramref name="count"/> images.</summary>
    /// <exception cref="UserErrorException">The count is below 1 or above <see cref="Count"/>.</exception>
    public ImageSet Take(int count) => Slice(0, count);

    /// <summary>The first <paramref name="count"/> images; all, with a note, if there are fewer.</summary>
    /// <exception cref="UserErrorException">The count is below 1.</exception>
    internal ImageSet TakeOrAll(int count)
    {
        if (count <= Count)
            return Take(count);
        string all = $"{Name} has {Count} images, fewer than {count}: all are used";
        return new ImageSet(Name, Shape, _pixels, _labels, ClassNames)
        {
            Note = Note is null ? all : $"{Note}; {all}",
            Files = Files,
        };
    }

    /// <summary>The <paramref name="count"/> images that begin at <paramref name="start"/>.</summary>
    /// <exception cref="UserErrorException">The count is below 1, or the range does not lie inside the set.</exception>
    public ImageSet Slice(int start, int count)
    {
        if (count < 1)
            throw new UserErrorException($"expected a count of at least 1 image of {Name}, got {count}");
        if (start < 0 || start + (long)count > Count)
        {
            throw new UserErrorException(
                start == 0
                    ? $"{Name} has {Count} images, got a count of {count}: ask for at most {Count}"
                    : $"{Name} has {Count} images, got a count of {count} starting at image {start}: stay within 0 "
                        + $"to {Count}"
            );
        }

        return new ImageSet(
            Name,
            Shape,
            _pixels.Slice(start * Shape.Pixels, count * Shape.Pixels),
            _labels.Slice(start, count),
            ClassNames
        )
        {
            Note = Note,
            Files = Files.Count == 0 ? [] : [.. Files.Skip(start).Take(count)],
        };
    }

    /// <summary>
    /// The set in parts that are small enough to work on at once, in order, each with the position of its first image.
    /// </summary>
    public IReadOnlyList<(int First, ImageSet Images)> Parts()
    {
        int size = Math.Max(1, ValuesOfPart / Shape.Pixels);
        return
        [
            .. Enumerable
                .Range(0, Workers.PieceCount(Count, size))
                .Select(part => part * size)
                .Select(first => (first, Slice(first, Math.Min(size, Count - first)))),
        ];
    }

    /// <summary>Copies the images at the given indices, in this order; an index may occur more than once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside [0, <see cref="Count"/>).</exception>
    public ImageSet Select(ReadOnlySpan<int> indices)
    {
        var pixels = new byte[checked(indices.Length * Shape.Pixels)];
        var labels = new int[indices.Length];
        for (var i = 0; i < indices.Length; i++)
        {
            Image(indices[i]).CopyTo(pixels.AsSpan(i * Shape.Pixels));
            labels[i] = Labels[indices[i]];
        }

        string[] files = Files.Count == 0 ? [] : [.. indices.ToArray().Select(index => Files[index])];
        return new ImageSet(Name, Shape, pixels, labels, ClassNames) { Note = Note, Files = files };
    }
}
