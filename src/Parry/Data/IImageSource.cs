namespace Parry.Data;

/// <summary>
/// A source of labeled images: a <see cref="DataSet"/>, <see cref="CelebA"/>, an <see cref="ImageFolder"/> or an
/// <see cref="ImageTable"/>. <see cref="DataSets.Open"/> opens any of them by name.
/// </summary>
public interface IImageSource
{
    /// <summary>The name in messages and in weight files.</summary>
    string Name { get; }

    /// <summary>The name in prose.</summary>
    string Title { get; }

    /// <summary>The shape of every image.</summary>
    ImageShape Shape { get; }

    /// <summary>The names of the classes; the label is the index.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>The accuracy that models for this data usually reach, in [0, 1]; null where that is unknown.</summary>
    double? UsualAccuracy => null;

    /// <summary>Reads one part.</summary>
    /// <param name="part">The part.</param>
    /// <param name="split">How the published training images are split; ignored for test images and for sources with a
    /// validation part of their own.</param>
    /// <param name="dataDir">The folder in which a data set is searched first, or null.</param>
    /// <param name="count">The number of images, starting with the first; null for all. Where there are fewer, all are
    /// taken, with a note. Other images are not decoded.</param>
    /// <exception cref="UserErrorException">The images are not found, or damaged, there is no such part, or the
    /// split does not fit.</exception>
    ImageSet Load(DataPart part, Split split, string? dataDir = null, int? count = null);
}
