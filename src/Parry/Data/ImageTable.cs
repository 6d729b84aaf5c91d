using System.Globalization;
using Parry.Data.Files;
using Parry.Data.Images;

namespace Parry.Data;

/// <summary>
/// A CSV file (RFC 4180; also with semicolons or tabs) of pictures and their labels, as a test part: the columns file
/// and label in this order, or in any order and among others if the first line names them (file may also be called
/// filename, path or image). Files are absolute or relative to the table's folder. A label is the number or the name of
/// a class of the model. If the model's classes have no names, labels are numbers, or names that are numbered in
/// ordinal order. Images come in the table's order.
/// </summary>
public sealed class ImageTable : IImageSource
{
    private const string FileColumn = "file";
    private const string LabelColumn = "label";
    private const string Separators = ",;\t";
    private const int MostClasses = 100_000;
    private const int MostRows = 2_000_000;

    private readonly ImagePreparation _preparation;
    private readonly List<Picture> _pictures;

    /// <summary>Reads the table; pictures are decoded only when they are loaded.</summary>
    /// <param name="path">The file.</param>
    /// <param name="preparation">How images are prepared for the model; null if unknown.</param>
    /// <exception cref="UserErrorException">A line is not valid, a label is not one of the model's, or the size of the
    /// images is unknown and the pictures have several sizes.</exception>
    public ImageTable(string path, ImagePreparation? preparation = null)
    {
        _preparation = preparation ?? new ImagePreparation();
        Name = Path.GetFileName(path);
        List<(string File, string Label, int Line)> rows = Read(path);
        if (rows.Count == 0)
            throw new UserErrorException($"{path}: expected lines of {FileColumn},{LabelColumn}, got none: add some");
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var (names, labelOf) = Labels(path, rows, _preparation);
        ClassNames = names;
        _pictures = rows.ConvertAll(row =>
        {
            string place = $"{path} line {row.Line}: ";
            return new Picture(Path.Combine(folder, row.File), labelOf(row.Label, place), place);
        });
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
    public ImageSet Load(DataPart part, Split split, string? dataDir = null, int? count = null) =>
        part == DataPart.Test
            ? _preparation.SetOf(Name, _pictures, Shape, ClassNames).Load(count)
            : throw new UserErrorException(
                $"expected training images, got {Name}, which lists test images only: give a folder with folders "
                    + "train and test that hold class folders"
            );

    private static List<(string File, string Label, int Line)> Read(string path)
    {
        var rows = new List<(string, string, int)>();
        Columns? columns = null;
        string text = TextFile.Read(path);
        foreach (var (line, fields) in CsvReader.Rows(text, path, SeparatorOf(text)))
        {
            UserErrorException Wrong(string expected, string got) =>
                new($"{path} line {line}: expected {expected}, got {got}");
            if (columns is null)
            {
                columns =
                    Columns.Of(fields)
                    ?? throw Wrong(
                        $"the columns {FileColumn} and {LabelColumn}, each once, between commas, semicolons or tabs",
                        PlainText.Excerpt(string.Join(", ", fields.Take(10)))
                    );
                if (columns.IsHeader)
                    continue;
            }

            if (fields.Count != columns.Count)
                throw Wrong($"{columns.Count} columns as in the lines before", $"{fields.Count}");
            string file = fields[columns.File];
            if (!Pictures.IsPicture(file))
                throw Wrong($"a file that ends in {Pictures.Extensions}", $"\"{PlainText.Excerpt(file)}\"");
            if (rows.Count == MostRows)
                throw Wrong($"at most {MostRows} pictures", "more");
            rows.Add((file, fields[columns.Label].Trim(), line));
        }

        return rows;
    }

    /// <summary>The first separator with which the first line makes sense; a comma if none does.</summary>
    private static char SeparatorOf(string text)
    {
        foreach (char separator in Separators)
        {
            try
            {
                IReadOnlyList<string>? first = CsvReader.Rows(text, "", separator).FirstOrDefault().Fields;
                if (first is not null && Columns.Of(first) is { } columns && columns.Fits(first))
                    return separator;
            }
            catch (UserErrorException)
            {
                // Not with this one; the error of the comma is reported later.
            }
        }

        return Separators[0];
    }

    /// <summary>
    /// Returns the names of the classes and how to read a label: as a class of the model, otherwise as a number or a
    /// name like the first label.
    /// </summary>
    private static (IReadOnlyList<string> Names, Func<string, string, int> LabelOf) Labels(
        string path,
        List<(string File, string Label, int Line)> rows,
        ImagePreparation preparation
    )
    {
        int first = preparation.LabelsFrom;
        if (preparation.ClassNames is { } known)
        {
            var index = new ClassIndex(known, first);
            index.CheckFirst([.. rows.Select(row => row.Label)], $"{path}: ");
            return (known, index.LabelOf);
        }

        if (Number(rows[0].Label) is null)
        {
            string[] names = [.. rows.Select(row => row.Label).Distinct().Order(StringComparer.Ordinal)];
            if (names.Length > MostClasses)
                throw new UserErrorException($"expected at most {MostClasses} different labels, got {names.Length}");
            Dictionary<string, int> labels = names.Index().ToDictionary(name => name.Item, name => name.Index);
            return (
                Array.ConvertAll(names, name => PlainText.Excerpt(name)),
                (text, place) =>
                    text.Length > 0 ? labels[text] : throw new UserErrorException($"{place}expected a label, got none")
            );
        }

        int largest = rows.Max(row => Number(row.Label) ?? 0);
        return (
            [
                .. Enumerable
                    .Range(first, Math.Max(1, largest + 1 - first))
                    .Select(label => label.ToString(CultureInfo.InvariantCulture)),
            ],
            (text, place) =>
                Number(text) is { } number && number >= first
                    ? number - first
                    : throw new UserErrorException(
                        $"{place}expected a label from {first} to {MostClasses - 1} as in the first line, got "
                            + $"\"{PlainText.Excerpt(text)}\""
                    )
        );
    }

    private static int? Number(string text) =>
        ClassIndex.NumberOf(text) is { } label && label < MostClasses ? label : null;

    /// <summary>The columns of the file and the label.</summary>
    private sealed record Columns(int Count, int File, int Label, bool IsHeader)
    {
        private static readonly string[] s_fileNames =
        [
            FileColumn,
            "filename",
            "file_name",
            "path",
            "filepath",
            "file_path",
            "image",
            "image_path",
        ];

        /// <summary>
        /// Finds the columns by their names in the first line, or takes its two columns; null if neither works.
        /// </summary>
        public static Columns? Of(IReadOnlyList<string> fields)
        {
            string[] names = [.. fields.Select(field => field.Trim().ToLowerInvariant())];
            string? called = s_fileNames.FirstOrDefault(names.Contains);
            int labels = names.Count(name => name == LabelColumn);
            if (called is null && (labels == 0 || Pictures.IsPicture(fields[0])))
                return names.Length == 2 ? new Columns(2, 0, 1, IsHeader: false) : null;
            if (called is null || names.Count(name => name == called) != 1 || labels != 1)
                return null;
            int file = Array.IndexOf(names, called);
            int label = Array.IndexOf(names, LabelColumn);
            return new Columns(names.Length, file, label, IsHeader: true);
        }

        /// <summary>Whether the first line is a header or has a picture.</summary>
        public bool Fits(IReadOnlyList<string> first) => IsHeader || Pictures.IsPicture(first[File]);
    }
}
