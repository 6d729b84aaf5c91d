namespace Parry.Models.Http;

/// <summary>Converts an endpoint's answer to one row of numbers for each image.</summary>
internal static class Answers
{
    /// <summary>
    /// Checks that there is one row for each image, and converts rows to labels if only labels are read.
    /// </summary>
    /// <param name="values">The rows, one after the other.</param>
    /// <param name="count">The number of rows.</param>
    /// <param name="onlyLabels">Whether only labels are wanted.</param>
    /// <param name="areLabels">Whether single numbers are labels and not scores.</param>
    /// <param name="background">The number of first scores that are background.</param>
    /// <exception cref="InvalidDataException">The number of rows is wrong, or they are not labels.</exception>
    public static float[] Checked(float[] values, int count, bool onlyLabels, bool areLabels, int background)
    {
        if (values.Length == 0 || values.Length % count != 0)
            throw new InvalidDataException(
                $"expected the same number of values for each of {count} {(count == 1 ? "image" : "images")}, got "
                    + $"{values.Length} values"
            );
        int width = values.Length / count;
        if (!onlyLabels)
            return values;
        if (width > 1 && width <= background)
            throw new InvalidDataException(
                $"expected more than {background} scores for each image, as the first of them are no classes "
                    + $"(--background), got {width}"
            );
        if (width > 1)
            return
            [
                .. Enumerable
                    .Range(0, count)
                    .Select(row => (float)Best(values.AsSpan((row * width) + background, width - background))),
            ];
        if (!areLabels)
            throw new InvalidDataException("expected a label for each image, got one score");
        return Array.TrueForAll(values, value => value >= 0 && value == MathF.Floor(value) && value < 1 << 24)
            ? values
            : throw new InvalidDataException(
                "expected the number of a class, got "
                    + $"{values.First(value => !(value >= 0 && value == MathF.Floor(value) && value < 1 << 24))}"
            );
    }

    /// <summary>Finds the number of a class by its name.</summary>
    /// <exception cref="InvalidDataException">There is no class of that name.</exception>
    public static float LabelOf(string name, IReadOnlyList<string>? names)
    {
        for (int i = 0; i < (names?.Count ?? 0); i++)
        {
            if (names![i] == name)
                return i;
        }

        throw new InvalidDataException(
            names is null
                ? $"got the class \"{PlainText.Excerpt(name)}\" as text, but the names of the classes are not known"
                : $"the class \"{PlainText.Excerpt(name)}\" is unknown, expected one of "
                    + $"{string.Join(", ", names.Take(20))}"
        );
    }

    private static long Best(ReadOnlySpan<float> row)
    {
        int best = 0;
        for (int i = 0; i < row.Length; i++)
        {
            if (float.IsNaN(row[i]))
                return Predictions.None;
            if (row[i] > row[best])
                best = i;
        }

        return best;
    }
}
