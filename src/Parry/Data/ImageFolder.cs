namespace Parry.Data;

/// <summary>
/// A folder of class folders, each with the PNG and JPEG pictures of one class. Where the folder holds nothing but
/// folders named train, test and val, those hold the class folders: train is the training part, test (or else val) the
/// test part; val beside test validates, else the last tenth of each class in train does. Any other folder is a test
/// part as a whole. Hidden files and symbolic links are left out.
/// </summary>
/// <remarks>
/// The order is that of the classes' turns: the first picture of each class, then the second of each, and so on, by
/// name, so that the first N images are of all classes. Labels are those of the model's classes with the folders' names
/// (or numbers); where none has such a name, they count the folders in ordinal order, as torchvision's ImageFolder
/// does.
/// </remarks>
public sealed class ImageFolder : IImageSource
{
    private const string TrainFolder = "train",
        TestFolder = "test",
        ValidationFolder = "val";
    private const int ValidationShare = 10;

    private static readonly EnumerationOptions s_visible = new()
    {
        AttributesToSkip = FileAttributes.Hidden,
        IgnoreInaccessible = false,
    };

    private readonly string _folder;
    private readonly ImagePreparation _preparation;
    private readonly bool _hasParts;
    private readonly Dictionary<string, int> _labels = [];

    /// <summary>Looks at the folder; pictures are decoded only when they are loaded.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="preparation">What the model says of its images; null if it says nothing.</param>
    /// <exception cref="UserErrorException">It holds no class folders, their names are not the model's classes, or
    /// nothing says which size its pictures should have.</exception>
    public ImageFolder(string folder, ImagePreparation? preparation = null)
    {
        (_folder, _preparation) = (folder, preparation ?? new ImagePreparation());
        Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        string[] subfolders = Subfolders(folder);
        _hasParts =
            subfolders.Length > 0
            && subfolders.All(name =>
                name is TrainFolder or TestFolder or ValidationFolder
                && Subfolders(Path.Combine(folder, name)).Length > 0
            );
        string[] classes = _hasParts
            ?
            [
                .. subfolders
                    .SelectMany(name => Subfolders(Path.Combine(folder, name)))
                    .Distinct()
                    .Order(StringComparer.Ordinal),
            ]
            : subfolders;
        if (classes.Length == 0)
        {
            throw new UserErrorException(
                Entries(folder).Any(entry => Pictures.IsPicture(entry.Name))
                    ? $"{folder}: expected a folder for each class, got pictures without any: put those of each "
                        + $"class into a folder of its own, or list them with their labels in a .csv file"
                    : $"{folder}: expected a folder for each class with pictures in it, got none: give another folder"
            );
        }

        ClassNames = Label(classes);
        Shape = Pictures.Shape(
            _preparation,
            _preparation.Shape is null
                ? subfolders
                    .Where(_ => _hasParts)
                    .DefaultIfEmpty("")
                    .SelectMany(part => InTurns(Listed(Path.Combine(folder, part), new Skipped())))
                : [],
            Name
        );
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
    public ImageSet Load(DataPart part, Split split, string? dataDir = null, int? count = null, bool orFewer = false)
    {
        var skipped = new Skipped();
        List<List<Picture>> classes = part switch
        {
            DataPart.Test => Listed(
                _hasParts
                    ? Part(TestFolder)
                        ?? Part(ValidationFolder)
                        ?? throw Missing("test images", $"{TestFolder} or {ValidationFolder}")
                    : _folder,
                skipped
            ),
            DataPart.Validation when HasValidation => Listed(Part(ValidationFolder)!, skipped),
            _ => Listed(Part(TrainFolder) ?? throw Missing("training images", TrainFolder), skipped),
        };
        if (part != DataPart.Test && !HasValidation)
            classes =
            [
                .. classes.Select(files =>
                    part == DataPart.Train ? files[..^Validating(files.Count)] : files[^Validating(files.Count)..]
                ),
            ];
        List<Picture> pictures = InTurns(classes);
        string name = _hasParts ? $"{Name} {part.ToString().ToLowerInvariant()}" : Name;
        if (pictures.Count == 0)
            throw new UserErrorException(
                $"{name} has no pictures: a class needs two at least to have some for training and some for validation"
            );
        return Pictures.Load(
            name,
            pictures,
            count,
            orFewer,
            Shape,
            ClassNames,
            _preparation.Apply,
            Pictures.Prepared(Shape),
            skipped.ToString()
        );
    }

    private bool HasValidation => Part(TestFolder) is not null && Part(ValidationFolder) is not null;

    private static int Validating(int count) => count < 2 ? 0 : Math.Max(1, count / ValidationShare);

    private string? Part(string name) =>
        _hasParts && Path.Combine(_folder, name) is var part && Directory.Exists(part) ? part : null;

    private UserErrorException Missing(string what, string name) =>
        new(
            $"expected a folder {name} in {_folder} for its {what}, there is none: put the class folders into "
                + $"folders {TrainFolder} and {TestFolder}"
        );

    private IReadOnlyList<string> Label(string[] classes)
    {
        string[] names = Array.ConvertAll(classes, Pictures.Shown);
        if (_preparation.ClassNames is { } known)
        {
            var index = new ClassIndex(known);
            if (classes.Any(index.Knows))
            {
                foreach (string name in classes)
                    _labels[name] = index.LabelOf(name, $"{_folder}: ");
                return known;
            }

            if (classes.Length != known.Count)
                throw new UserErrorException(
                    $"{_folder}: expected folders named after the model's {known.Count} classes, or as many as "
                        + $"these, got {classes.Length} "
                        + $"({string.Join(", ", names.Take(3))}{(names.Length > 3 ? ", …" : "")}): rename them to "
                        + $"the classes' names or numbers"
                );
        }

        for (int label = 0; label < classes.Length; label++)
            _labels[classes[label]] = label;
        return names;
    }

    /// <summary>The pictures of each class, by label.</summary>
    private List<List<Picture>> Listed(string part, Skipped skipped)
    {
        var classes = new List<List<Picture>>();
        foreach (
            FileSystemInfo entry in Entries(part)
                .OrderBy(entry => _labels.GetValueOrDefault(entry.Name))
                .ThenBy(entry => entry.Name, StringComparer.Ordinal)
        )
        {
            if (!IsFolder(entry))
            {
                skipped.Add(entry);
                continue;
            }

            var files = new List<Picture>();
            foreach (FileSystemInfo file in Entries(entry.FullName))
            {
                if (IsLink(file) || file is DirectoryInfo || !Pictures.IsPicture(file.Name))
                    skipped.Add(file);
                else
                    files.Add(new Picture(Path.Combine(part, entry.Name, file.Name), _labels[entry.Name]));
            }

            if (files.Count == 0)
                throw new UserErrorException(
                    $"{Path.Combine(part, entry.Name)}: expected pictures that end in {Pictures.Extensions}, got "
                        + $"none{(skipped.ToString() is { } others ? $" ({others})" : "")}: add some, or remove the "
                        + $"folder"
                );
            files.Sort((a, b) => string.CompareOrdinal(a.File, b.File));
            classes.Add(files);
        }

        return classes;
    }

    private static List<Picture> InTurns(List<List<Picture>> classes) =>
        [
            .. Enumerable
                .Range(0, classes.Max(files => files.Count))
                .SelectMany(turn => classes.Where(files => turn < files.Count).Select(files => files[turn])),
        ];

    private static string[] Subfolders(string folder) =>
        [.. Entries(folder).Where(IsFolder).Select(entry => entry.Name).Order(StringComparer.Ordinal)];

    private static bool IsFolder(FileSystemInfo entry) => entry is DirectoryInfo && !IsLink(entry);

    private static bool IsLink(FileSystemInfo entry) => entry.Attributes.HasFlag(FileAttributes.ReparsePoint);

    private static FileSystemInfo[] Entries(string folder)
    {
        try
        {
            return new DirectoryInfo(folder).GetFileSystemInfos("*", s_visible);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{folder}: expected a readable folder, got: {e.Message}", e);
        }
    }

    /// <summary>What was found beside the pictures.</summary>
    private sealed class Skipped
    {
        private const int Named = 3;

        private readonly List<string> _names = [];

        public void Add(FileSystemInfo entry) =>
            _names.Add(
                Pictures.Shown(entry.Name)
                    + (
                        IsLink(entry) ? " (a symbolic link)"
                        : entry is DirectoryInfo ? " (a folder)"
                        : ""
                    )
            );

        public override string? ToString()
        {
            if (_names.Count == 0)
                return null;
            string files = _names.Count == 1 ? "file" : "files";
            string first = string.Join(", ", _names.Order(StringComparer.Ordinal).Take(Named));
            string more = _names.Count > Named ? ", …" : "";
            return $"{_names.Count} other {files} skipped: {first}{more}";
        }
    }
}
