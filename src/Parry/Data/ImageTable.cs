using System.Globalization;

namespace Parry.Data;

/// <summary>
/// A CSV file (RFC 4180) of PNG and JPEG pictures and their labels, as a test part: the columns file and label in this
/// order, or in any order and beside others where the first line names them. Files are absolute or relative to the
/// table's folder. A label is the number or the name of a class of the model; where the model names none, the numbers
/// as they are, or the names in ordinal order. Images come in the table's order.
/// </summary>
public sealed class ImageTable : IImageSource
{
    private const string FileColumn = "file",
        LabelColumn = "label";
    private const int MostClasses = 100_000,
        MostRows = 2_000_000;

    private readonly ImagePreparation _preparation;
    private readonly List<Picture> _pictures;

    /// <summary>Reads the table; pictures are decoded only when they are loaded.</summary>
    /// <param name="path">The file.</param>
    /// <param name="preparation">What the model says of its images; null if it says nothing.</param>
    /// <exception cref="UserErrorException">A line is wrong, a label is none of the model's, or nothing says which size
    /// the pictures should have.</exception>
    public ImageTable(string path, ImagePreparation? preparation = null)
    {
        _preparation = preparation ?? new ImagePreparation();
        Name = Path.GetFileName(path);
        List<(string File, string Label, int Line)> rows = Read(path);
        if (rows.Count == 0)
            throw new UserErrorException($"{path}: expected lines of {FileColumn},{LabelColumn}, got none: add some");
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Func<string, string, int> labelOf;
        (ClassNames, labelOf) = Labels(rows, _preparation.ClassNames);
        _pictures = rows.ConvertAll(row =>
            $"{path} line {row.Line}: " is var place
                ? new Picture(Path.Combine(folder, row.File), labelOf(row.Label, place), place)
                : default
        );
        Shape = Pictures.Shape(_preparation, _pictures, Name);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Title => Name;

    /// <inheritdoc/>
    public ImageShape Shape { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public ImageSet Load(DataPart part, Split split, string? dataDir = null, int? count = null, bool orFewer = false) =>
        part == DataPart.Test
            ? Pictures.Load(
                Name,
                _pictures,
                count,
                orFewer,
                Shape,
                ClassNames,
                _preparation.Apply,
                Pictures.Prepared(Shape)
            )
            : throw new UserErrorException(
                $"expected training images, {Name} lists test images only: give a folder with folders train and "
                    + $"test that hold class folders"
            );

    private static List<(string File, string Label, int Line)> Read(string path)
    {
        var rows = new List<(string, string, int)>();
        int columns = 0,
            file = 0,
            label = 1;
        foreach (var (line, fields) in CsvReader.Rows(TextFile.Read(path), path))
        {
            UserErrorException Wrong(string expected, string got) =>
                new($"{path} line {line}: expected {expected}, got {got}");
            if (columns == 0)
            {
                columns = fields.Count;
                string[] names = [.. fields.Select(field => field.Trim().ToLowerInvariant())];
                bool header = names.Contains(FileColumn) || names.Contains(LabelColumn);
                if (
                    header
                        ? names.Count(name => name == FileColumn) != 1 || names.Count(name => name == LabelColumn) != 1
                        : columns != 2
                )
                    throw Wrong(
                        $"the columns {FileColumn} and {LabelColumn}, each once",
                        Pictures.Shown(string.Join(", ", names.Take(10)))
                    );
                if (header)
                {
                    (file, label) = (Array.IndexOf(names, FileColumn), Array.IndexOf(names, LabelColumn));
                    continue;
                }
            }

            if (fields.Count != columns)
                throw Wrong($"{columns} columns as in the lines before", $"{fields.Count}");
            if (!Pictures.IsPicture(fields[file]))
                throw Wrong($"a file that ends in {Pictures.Extensions}", $"\"{Pictures.Shown(fields[file])}\"");
            if (rows.Count == MostRows)
                throw Wrong($"at most {MostRows} pictures", "more");
            rows.Add((fields[file], fields[label].Trim(), line));
        }

        return rows;
    }

    /// <summary>
    /// The classes' names, and how a label is read: as the model says, or as the first line's is, a number or a name.
    /// </summary>
    private static (IReadOnlyList<string> Names, Func<string, string, int> LabelOf) Labels(
        List<(string File, string Label, int Line)> rows,
        IReadOnlyList<string>? known
    )
    {
        if (known is not null)
            return (known, new ClassIndex(known).LabelOf);
        if (Number(rows[0].Label) is null)
        {
            string[] names = [.. rows.Select(row => row.Label).Distinct().Order(StringComparer.Ordinal)];
            if (names.Length > MostClasses)
                throw new UserErrorException($"expected at most {MostClasses} different labels, got {names.Length}");
            Dictionary<string, int> labels = names.Index().ToDictionary(name => name.Item, name => name.Index);
            return (
                Array.ConvertAll(names, Pictures.Shown),
                (text, place) =>
                    text.Length > 0 ? labels[text] : throw new UserErrorException($"{place}expected a label, got none")
            );
        }

        int largest = rows.Max(row => Number(row.Label) ?? 0);
        return (
            [.. Enumerable.Range(0, largest + 1).Select(label => label.ToString(CultureInfo.InvariantCulture))],
            (text, place) =>
                Number(text)
                ?? throw new UserErrorException(
                    $"{place}expected a label from 0 to {MostClasses - 1} as in the first line, got "
                        + $"\"{Pictures.Shown(text)}\""
                )
        );
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int label) && label < MostClasses
            ? label
            : null;
}
