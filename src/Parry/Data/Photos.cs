using Parry.Data.Images;

namespace Parry.Data;

/// <summary>Loads single pictures for a model.</summary>
public static class Photos
{
    private const string Name = "photos";

    /// <summary>
    /// Reads pictures. A picture of another size is resized and center-cropped as <see cref="ImagePreparation"/>
    /// describes.
    /// </summary>
    /// <param name="files">PNG, JPEG, WebP, BMP or GIF files.</param>
    /// <param name="labels">The class of each as a name or a number, or one class for all; empty if unknown, and all
    /// labels are then 0.</param>
    /// <param name="shape">The shape of the images that the model takes.</param>
    /// <param name="classNames">The names of its classes.</param>
    /// <param name="preparation">How pictures are read; null for the defaults.</param>
    /// <exception cref="UserErrorException">A file cannot be read, a class is unknown, or there are more or fewer
    /// classes than pictures.</exception>
    public static ImageSet Load(
        IReadOnlyList<string> files,
        IReadOnlyList<string> labels,
        ImageShape shape,
        IReadOnlyList<string> classNames,
        ImagePreparation? preparation = null
    )
    {
        if (labels.Count > 1 && labels.Count != files.Count)
            throw new UserErrorException(
                $"expected one label for all pictures or one for each of {files.Count}, got {labels.Count}"
            );
        ImagePreparation prepared = (preparation ?? new ImagePreparation()) with { Shape = shape };
        var index = new ClassIndex(classNames, prepared.LabelsFrom);
        int[] known = labels.Count == 0 ? [0] : [.. labels.Select(label => index.LabelOf(label, "label: "))];
        List<Picture> pictures =
        [
            .. files.Select((file, i) => new Picture(file, known[Math.Min(i, known.Length - 1)])),
        ];
        return prepared.SetOf(Name, pictures, Pictures.Shape(prepared, pictures, Name), classNames).Load(count: null);
    }
}
