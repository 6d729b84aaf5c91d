using Parry.Data.Published;

namespace Parry.Data;

/// <summary>
/// The data sets that Parry knows by name, each in a file of its own, and how to open any source of images.
/// </summary>
public static partial class DataSets
{
    /// <summary>Every data set that has a name, in the order of help and listings.</summary>
    public static IReadOnlyList<PublishedData> All => [Mnist, FashionMnist, Cifar10, CelebA.Published];

    /// <summary>Finds the data set of this name, ignoring case; null if there is none.</summary>
    public static PublishedData? Find(string name) =>
        All.FirstOrDefault(set => set.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Finds the data set of this name, ignoring case.</summary>
    /// <exception cref="UserErrorException">There is no such set.</exception>
    public static PublishedData ByName(string name) =>
        Find(name) ?? throw new UserErrorException($"expected one of the data sets {Names}, got \"{name}\"");

    /// <summary>
    /// Opens the images that a text names: a known data set, a folder of class folders, or a .csv file of files and
    /// labels. The name of a data set takes precedence over a folder of that name.
    /// </summary>
    /// <param name="text">The value of <c>--data</c>.</param>
    /// <param name="preparation">How images are prepared for the model; null if unknown. Most data sets have their own
    /// shape and classes and ignore it.</param>
    /// <param name="attribute">The attribute that defines the classes of <see cref="CelebA"/>; null for
    /// <see cref="CelebA.DefaultAttribute"/>.</param>
    /// <exception cref="UserErrorException">The text does not name images, the attribute does not fit, or the folder or
    /// the file has the wrong content.</exception>
    public static IImageSource Open(string text, ImagePreparation? preparation = null, string? attribute = null)
    {
        PublishedData? known = Find(text);
        if (attribute is not null && known is not { HasAttributes: true })
            throw new UserErrorException(
                $"expected no attribute with {text}, got \"{attribute}\": leave it out, or use one of the data sets "
                    + $"with attributes: {NamesOf(All.Where(set => set.HasAttributes))}"
            );
        if (known is not null)
            return known.Open(preparation, attribute);
        if (Directory.Exists(text))
            return new ImageFolder(text, preparation);
        if (text.EndsWith(".csv", StringComparison.OrdinalIgnoreCase))
            return new ImageTable(text, preparation);
        throw new UserErrorException(
            $"expected one of the data sets {Names}, an existing folder of class folders, or a .csv file of files "
                + $"and labels, got \"{text}\""
        );
    }

    private static string Names => NamesOf(All);

    private static string NamesOf(IEnumerable<PublishedData> sets) => string.Join(", ", sets.Select(set => set.Name));
}
