namespace Parry.Data;

/// <summary>
/// A published data set: what it holds, where it comes from, and how its files are recognized and read.
/// </summary>
public sealed class DataSet : IImageSource
{
    internal enum FileFormat
    {
        Idx,
        Cifar,
    }

    /// <summary>The name on the command line and of the set's folder.</summary>
    public required string Name { get; init; }

    /// <summary>Other names of the set's folder.</summary>
    public IReadOnlyList<string> FolderAliases { get; init; } = [];

    /// <summary>The name in prose.</summary>
    public required string Title { get; init; }

    /// <summary>The shape of every image.</summary>
    public required ImageShape Shape { get; init; }

    /// <summary>The classes' names; the label is the index.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>The terms of use, in one line.</summary>
    public required string License { get; init; }

    /// <summary>Whom to cite, in one line.</summary>
    public required string Citation { get; init; }

    /// <summary>Addresses of folders that hold the downloads, ending in a slash, to be tried in turn.</summary>
    public required IReadOnlyList<Uri> Mirrors { get; init; }

    /// <summary>What is downloaded: single .gz files, or one .tar.gz with all of <see cref="Files"/>.</summary>
    public required IReadOnlyList<DataFile> Downloads { get; init; }

    /// <summary>The set's files as they are once unpacked; on disk each may also stay inside a .gz.</summary>
    public required IReadOnlyList<DataFile> Files { get; init; }

    internal FileFormat Format { get; init; }

    /// <summary>Finds the set as <see cref="DataLocator"/> does and reads one part of it.</summary>
    /// <inheritdoc/>
    public ImageSet Load(DataPart part, Split split, string? dataDir = null, int? count = null, bool orFewer = false)
    {
        var folder = DataLocator.Find(this, part, dataDir);
        var images = part switch
        {
            DataPart.Test => ReadTest(folder),
            DataPart.Validation => split.Validation(ReadTraining(folder)),
            _ => split.Train(ReadTraining(folder)),
        };
        return count is { } first ? images.Take(orFewer ? Math.Min(first, images.Count) : first) : images;
    }

    /// <summary>Reads the published training images from the folder.</summary>
    /// <exception cref="UserErrorException">A file is missing or damaged.</exception>
    public ImageSet ReadTraining(string folder) =>
        Format == FileFormat.Cifar ? CifarReader.ReadTraining(folder) : ReadIdx(folder, "train", "training");

    /// <summary>Reads the published test images from the folder.</summary>
    /// <exception cref="UserErrorException">A file is missing or damaged.</exception>
    public ImageSet ReadTest(string folder) =>
        Format == FileFormat.Cifar ? CifarReader.ReadTest(folder) : ReadIdx(folder, "t10k", "test");

    /// <summary>
    /// Whether the folder has the files that <see cref="Load"/> needs for the part; their content is not looked at.
    /// </summary>
    internal bool HasFiles(string folder, DataPart part)
    {
        var prefix = (Format, part) switch
        {
            (FileFormat.Cifar, DataPart.Test) => "test_batch",
            (FileFormat.Cifar, _) => "data_batch",
            (_, DataPart.Test) => "t10k",
            _ => "train",
        };
        var files = Files.Where(file => file.Name.StartsWith(prefix, StringComparison.Ordinal));

        // CIFAR-10 may come with some of its training batches only.
        return Format == FileFormat.Cifar
            ? files.Any(file => InputFile.Find(folder, file.Name) is not null)
            : files.All(file => InputFile.Find(folder, file.Name) is not null);
    }

    private ImageSet ReadIdx(string folder, string prefix, string part)
    {
        var set = IdxReader.Read(
            Locate($"{prefix}-images-idx3-ubyte"),
            Locate($"{prefix}-labels-idx1-ubyte"),
            $"{Name} {part}",
            ClassNames
        );
        return set.Shape == Shape
            ? set
            : throw new UserErrorException(
                $"{folder}: expected {Title} images of {Shape}, got {set.Shape}: get the original files with parry "
                    + $"data fetch {Name}"
            );

        string Locate(string name) => InputFile.Find(folder, name) ?? Path.Combine(folder, name);
    }
}
