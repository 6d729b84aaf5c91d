namespace Parry.Data;

/// <summary>
/// Where labeled images come from: a <see cref="DataSet"/>, an <see cref="ImageFolder"/>, an <see cref="ImageTable"/>
/// or <see cref="CelebA"/>. <see cref="DataSets.Open"/> tells which.
/// </summary>
public interface IImageSource
{
    /// <summary>What it is called in messages and in weight files.</summary>
    string Name { get; }

    /// <summary>The name in prose.</summary>
    string Title { get; }

    /// <summary>The shape of every image that it loads.</summary>
    ImageShape Shape { get; }

    /// <summary>The classes' names; the label is the index.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>Reads one part.</summary>
    /// <param name="part">The part.</param>
    /// <param name="split">How the published training images are cut; of no account for test images and where the files
    /// themselves say what validates.</param>
    /// <param name="dataDir">The folder to look for a set known by name in first, or null.</param>
    /// <param name="count">How many images, from the first on; all if null. No others are decoded.</param>
    /// <param name="orFewer">Whether fewer will do where there are no more.</param>
    /// <exception cref="UserErrorException">The images are not found, damaged or too few, there is no such part, or the
    /// split does not fit.</exception>
    ImageSet Load(DataPart part, Split split, string? dataDir = null, int? count = null, bool orFewer = false);
}
