using Parry.Data;

namespace Parry.Cli;

/// <summary>Images as the command line names them.</summary>
/// <param name="Name">A data set, a folder or a .csv file.</param>
/// <param name="Attribute">The attribute that defines CelebA's classes; null for the default.</param>
/// <param name="Preparation">How pictures are read, whatever the model.</param>
internal sealed record DataRequest(string Name, string? Attribute, ImagePreparation Preparation)
{
    /// <summary>Images that need no further description.</summary>
    public static DataRequest Of(string name) => new(name, null, new ImagePreparation());

    /// <summary>Opens the images for a model.</summary>
    /// <param name="shape">The shape of the images that the model takes; null if unknown.</param>
    /// <param name="classNames">The names of its classes; null if unknown.</param>
    /// <exception cref="UserErrorException">There are no such images.</exception>
    public IImageSource Open(ImageShape? shape = null, IReadOnlyList<string>? classNames = null) =>
        DataSets.Open(Name, Preparation with { Shape = shape, ClassNames = classNames }, Attribute);
}
