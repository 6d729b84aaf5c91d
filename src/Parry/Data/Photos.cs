namespace Parry.Data;

/// <summary>Pictures that are given one by one, made ready for a model.</summary>
public static class Photos
{
    /// <summary>
    /// Reads pictures; one of another size than the model's is resized and its middle cut out, as
    /// <see cref="ImagePreparation"/> says.
    /// </summary>
    /// <param name="files">PNG or JPEG files.</param>
    /// <param name="labels">Each one's class as a name or a number, or one for all; empty if unknown, which labels them
    /// 0.</param>
    /// <param name="shape">Of the images that the model takes.</param>
    /// <param name="classNames">The names of its classes.</param>
    /// <exception cref="UserErrorException">A file cannot be read, a class is unknown, or there are more or fewer
    /// classes than pictures.</exception>
    public static ImageSet Load(
        IReadOnlyList<string> files,
        IReadOnlyList<string> labels,
        ImageShape shape,
        IReadOnlyList<string> classNames
    )
    {
        if (labels.Count > 1 && labels.Count != files.Count)
            throw new UserErrorException(
                $"expected one label for all pictures or one for each of {files.Count}, got {labels.Count}"
            );
        var preparation = new ImagePreparation { Shape = shape };
        var index = new ClassIndex(classNames);
        int[] known = [.. labels.Select(label => index.LabelOf(label, "label: "))];
        Picture[] pictures =
        [
            .. files.Select(
                (file, i) => new Picture(file, known.Length == 0 ? 0 : known[Math.Min(i, known.Length - 1)])
            ),
        ];
        shape = Pictures.Shape(preparation, pictures, "photos");
        return Pictures.Load(
            "photos",
            pictures,
            null,
            false,
            shape,
            classNames,
            preparation.Apply,
            Pictures.Prepared(shape)
        );
    }
}
