using Parry.Data.Formats;
using Parry.Data.Published;

namespace Parry.Data;

/// <summary>A published data set whose files Parry downloads, recognizes by their hashes, and reads.</summary>
public sealed class DataSet : PublishedData, IImageSource
{
    /// <summary>The URLs of folders that hold the downloads, ending in a slash, in the order in which they are
    /// tried.</summary>
    public required IReadOnlyList<Uri> Mirrors { get; init; }

    /// <summary>The files to download: single .gz files, or one .tar.gz with all of <see cref="Files"/>.</summary>
    public required IReadOnlyList<DataFile> Downloads { get; init; }

    /// <summary>The unpacked files of the set; on disk each may also stay inside a .gz.</summary>
    public required IReadOnlyList<DataFile> Files { get; init; }

    /// <inheritdoc/>
    public double? UsualAccuracy { get; init; }

    internal IDataFormat Format { get; init; } = new IdxFormat();

    /// <inheritdoc/>
    public override string HowToGet => $"download it with parry data fetch {Name}";

    /// <inheritdoc/>
    /// <remarks>Images are turned from gray to color or back if the model takes the other.</remarks>
    public override IImageSource Open(ImagePreparation? preparation = null, string? attribute = null) =>
        preparation?.Shape is { Channels: 1 or 3 } taken && taken != Shape && Shape.WithColorOf(taken) == taken
            ? new RecoloredSet(this, taken.Channels)
            : this;

    /// <summary>Finds the set as <see cref="DataLocator"/> does and reads one part of it.</summary>
    /// <inheritdoc/>
    public ImageSet Load(DataPart part, Split split, string? dataDir = null, int? count = null)
    {
        string folder = DataLocator.Find(this, part, dataDir);
        ImageSet images = part switch
        {
            DataPart.Test => ReadTest(folder),
            DataPart.Validation => split.Validation(ReadTraining(folder)),
            _ => split.Train(ReadTraining(folder)),
        };
        return count is { } asked ? images.TakeOrAll(asked) : images;
    }

    /// <summary>Reads the published training images from the folder.</summary>
    /// <exception cref="UserErrorException">A file is missing or damaged.</exception>
    public ImageSet ReadTraining(string folder) => Format.ReadTraining(this, folder);

    /// <summary>Reads the published test images from the folder.</summary>
    /// <exception cref="UserErrorException">A file is missing or damaged.</exception>
    public ImageSet ReadTest(string folder) => Format.ReadTest(this, folder);

    internal override bool HasFiles(string folder, DataPart part) => Format.HasFiles(folder, part);
}
