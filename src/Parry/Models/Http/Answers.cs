namespace Parry.Models.Http;

/// <summary>Converts an endpoint's answer to one row of numbers for each image.</summary>
internal static class Answers
{
    /// <summary>
    /// Checks that there is one row for each image, and converts rows to labels if only labels are read.
    /// </summary>
    /// <param name="values">One row after the other.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="onlyLabels">Whether one label is wanted for each.</param>
    /// <param name="areLabels">Whether single numbers are labels and not scores.</param>
    /// <param name="background">The number of first scores that are background.</param>
    /// <exception cref="InvalidDataException">The number of rows is wrong, or they are not labels.</exception>
    public static float[] Checked(float[] values, int count, bool onlyLabels, bool areLabels, int background)
    {
        if (values.Length == 0 || values.Length % count != 0)
            throw new InvalidDataException(
                $"{values.Length} numbers came for {count} {(count == 1 ? "image" : "images")}"
            );
        int width = values.Length / count;
        if (!onlyLabels)
            return values;
        if (width > 1)
            return
            [
                .. Enumerable
                    .Range(0, count)
                    .Select(row => (float)Best(values.AsSpan((row * width) + background, width - background))),
            ];
        if (!areLabels)
            throw new InvalidDataException("one score came for each image where a label was expected");
        return Array.TrueForAll(values, value => value >= 0 && value == MathF.Floor(value) && value < 1 << 24)
            ? values
            : throw new InvalidDataException(
                $"{values.First(value => !(value >= 0 && value == MathF.Floor(value) && value < 1 << 24))} came "
                    + $"where the number of a class was expected"
            );
    }

    /// <summary>The number of a class by its name.</summary>
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
                ? $"the class \"{name}\" came as text, and the names of the classes are not known"
                : $"the class \"{name}\" is unknown, expected one of {string.Join(", ", names.Take(20))}"
        );
    }

    private static int Best(ReadOnlySpan<float> row)
    {
        int best = 0;
        for (int i = 1; i < row.Length; i++)
        {
            if (row[i] > row[best])
                best = i;
        }

        return best;
    }
}
