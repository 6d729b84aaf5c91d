using Parry.Data.Files;

namespace Parry.Data.Formats;

/// <summary>
/// Reads the IDX files in which MNIST and related sets are published, plain or gzip. Files are untrusted: magic
/// numbers, sizes, labels and the end of the file are checked.
/// </summary>
public static class IdxReader
{
    private const uint ImagesMagic = 0x803;
    private const uint LabelsMagic = 0x801;
    private const int MaxBytes = 1 << 30;

    /// <summary>Reads gray images and their labels.</summary>
    /// <param name="imagesPath">File with magic number 0x00000803.</param>
    /// <param name="labelsPath">File with magic number 0x00000801 and as many entries.</param>
    /// <param name="name">Name of the set.</param>
    /// <param name="classNames">One name per class; labels must be smaller than their number.</param>
    /// <exception cref="UserErrorException">A file is missing, truncated, corrupt, too long, larger than 1 GiB, or does
    /// not fit the other.</exception>
    public static ImageSet Read(string imagesPath, string labelsPath, string name, IReadOnlyList<string> classNames)
    {
        using var images = InputFile.Open(imagesPath);
        using var labels = InputFile.Open(labelsPath);
        return Read(images, labels, name, classNames);
    }

    internal static ImageSet Read(InputFile images, InputFile labels, string name, IReadOnlyList<string> classNames)
    {
        ExpectMagic(images, ImagesMagic, "images");
        var count = images.ReadUInt32("the header");
        var height = images.ReadUInt32("the header");
        var width = images.ReadUInt32("the header");
        var size = (UInt128)count * height * width;
        if (size == 0 || size > MaxBytes)
        {
            throw new UserErrorException(
                $"{images.Name}: expected between 1 and {MaxBytes} bytes of images, got a header that declares "
                    + $"{count} of {height}x{width}: get the original file again"
            );
        }

        ExpectMagic(labels, LabelsMagic, "labels");
        var labelCount = labels.ReadUInt32("the header");
        if (labelCount != count)
        {
            throw new UserErrorException(
                $"{labels.Name}: expected {count} labels, one for each image of {images.Name}, got {labelCount}: give "
                    + "two files of the same set"
            );
        }

        var labelBytes = labels.ReadBytes((int)count, "labels");
        labels.ExpectEnd($"{count} labels");
        var pixels = images.ReadBytes((int)size, "images");
        images.ExpectEnd($"{count} images of {height}x{width}");

        return new ImageSet(
            name,
            new ImageShape(1, (int)height, (int)width),
            pixels,
            CheckedLabels(labelBytes, classNames.Count, labels.Name),
            classNames
        );
    }

    private static void ExpectMagic(InputFile file, uint expected, string what)
    {
        var magic = file.ReadUInt32("the header");
        if (magic != expected)
        {
            var hint = magic is ImagesMagic or LabelsMagic
                ? "images and labels are swapped"
                : "this is not such a file";
            throw new UserErrorException(
                $"{file.Name}: expected IDX {what} (magic number 0x{expected:x8}), got 0x{magic:x8}: {hint}"
            );
        }
    }

    private static int[] CheckedLabels(ReadOnlySpan<byte> bytes, int classes, string file)
    {
        var labels = new int[bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            labels[i] =
                bytes[i] < classes
                    ? bytes[i]
                    : throw new UserErrorException(
                        $"{file}: expected labels 0 to {classes - 1}, got {bytes[i]} for image {i}: get "
                            + "the original file again"
                    );
        }

        return labels;
    }
}
