namespace Parry.Data.Published;

/// <summary>A data set that is known by name: its content, where it is found, and its terms of use.</summary>
public abstract class PublishedData
{
    /// <summary>The name on the command line and of the set's folder.</summary>
    public required string Name { get; init; }

    /// <summary>Other names of the set's folder.</summary>
    public IReadOnlyList<string> FolderAliases { get; init; } = [];

    /// <summary>The name in prose.</summary>
    public required string Title { get; init; }

    /// <summary>The shape of every image.</summary>
    public required ImageShape Shape { get; init; }

    /// <summary>The names of the classes; the label is the index.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>The terms of use, in one line.</summary>
    public required string License { get; init; }

    /// <summary>The publication to cite, in one line.</summary>
    public required string Citation { get; init; }

    /// <summary>Whether one of several attributes defines the classes.</summary>
    public virtual bool HasAttributes => false;

    /// <summary>How to get the files, as part of a sentence.</summary>
    public abstract string HowToGet { get; }

    /// <summary>Opens the images of the set.</summary>
    /// <param name="preparation">How images are prepared for the model; null if unknown.</param>
    /// <param name="attribute">The attribute that defines the classes if the set <see cref="HasAttributes"/>; null for
    /// the default.</param>
    /// <exception cref="UserErrorException">There is no such attribute, or the model takes other images.</exception>
    public abstract IImageSource Open(ImagePreparation? preparation = null, string? attribute = null);

    /// <summary>Whether a folder has the files of a part, without reading their content.</summary>
    internal abstract bool HasFiles(string folder, DataPart part);
}
