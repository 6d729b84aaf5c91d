using Parry.Data.Files;
using Parry.Data.Images;

namespace Parry.Data;

/// <summary>
/// A folder of class folders, each with the pictures of one class. If the folder contains only folders
/// named train, test and val, these contain the class folders: train is the training part, and test (or val if there is
/// no test) is the test part. With both test and val, val is the validation part; otherwise the validation part is the
/// last tenth of each class in train. Any other folder is a test part as a whole. Hidden files are ignored, and so are
/// symbolic links that lead out of the folder.
/// </summary>
/// <remarks>
/// The classes alternate: the first picture of each class by name, then the second of each, and so on, so that the
/// first N images cover all classes. Folders are named after the model's classes or their numbers; if no class has such
/// a name, the folders are numbered in ordinal order, as in torchvision's ImageFolder.
/// </remarks>
public sealed class ImageFolder : IImageSource
{
    private const string TrainFolder = "train";
    private const string TestFolder = "test";
    private const string ValidationFolder = "val";
    private const int ValidationShare = 10;

    private static readonly EnumerationOptions s_visible = new()
    {
        AttributesToSkip = FileAttributes.Hidden,
        IgnoreInaccessible = false,
    };

    private readonly string _folder;
    private readonly FolderBounds _bounds;
    private readonly ImagePreparation _preparation;
    private readonly bool _hasParts;
    private readonly Dictionary<string, int> _labels = [];

    /// <summary>Reads the names in the folder; pictures are decoded when they are loaded.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="preparation">How the model takes its images; null if that is not known.</param>
    /// <exception cref="UserErrorException">The folder has no class folders, their names are not the model's classes,
    /// or the size of the images is unknown and the pictures have several sizes.</exception>
    public ImageFolder(string folder, ImagePreparation? preparation = null)
    {
        _folder = folder;
        _bounds = new FolderBounds(folder);
        _preparation = preparation ?? new ImagePreparation();
        Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        string[] subfolders = Subfolders(folder);
        _hasParts = subfolders.Length > 0 && subfolders.All(IsPart);
        string[] parts = _hasParts ? [.. subfolders.Select(name => Path.Combine(folder, name))] : [folder];
        string[] classes = [.. parts.SelectMany(Subfolders).Distinct().Order(StringComparer.Ordinal)];
        if (classes.Length == 0)
            throw NoClasses();
        ClassNames = Label(classes);
        IEnumerable<Picture> pictures = parts.SelectMany(part => InTurns(Listed(part, new Skipped())));
        Shape = Pictures.Shape(_preparation, pictures, Name);
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
    public ImageSet Load(DataPart part, Split split, string? dataDir = null, int? count = null)
    {
        var skipped = new Skipped();
        List<List<Picture>> classes = Listed(FolderOf(part), skipped);
        if (part == DataPart.Train && !HasValidation)
            classes = classes.ConvertAll(files => files[..^Validating(files.Count)]);
        if (part == DataPart.Validation && !HasValidation)
            classes = classes.ConvertAll(files => files[^Validating(files.Count)..]);
        List<Picture> pictures = InTurns(classes);
        string name = _hasParts ? $"{Name} {part.ToString().ToLowerInvariant()}" : Name;
        if (pictures.Count == 0)
            throw new UserErrorException(
                $"{name} has no pictures: add some; a class needs at least two, one for training and one for validation"
            );
        PictureSet set = _preparation.SetOf(name, pictures, Shape, ClassNames);
        return (set with { Skipped = skipped.ToString() }).Load(count);
    }

    private bool HasValidation => Part(TestFolder) is not null && Part(ValidationFolder) is not null;

    private static int Validating(int count) => count < 2 ? 0 : Math.Max(1, count / ValidationShare);

    private string FolderOf(DataPart part)
    {
        if (part == DataPart.Test && !_hasParts)
            return _folder;
        if (part == DataPart.Test)
            return Part(TestFolder)
                ?? Part(ValidationFolder)
                ?? throw Missing("test images", $"{TestFolder} or {ValidationFolder}");
        if (part == DataPart.Validation && HasValidation)
            return Part(ValidationFolder)!;
        return Part(TrainFolder) ?? throw Missing("training images", TrainFolder);
    }

    private string? Part(string name)
    {
        string part = Path.Combine(_folder, name);
        return _hasParts && Directory.Exists(part) ? part : null;
    }

    private bool IsPart(string name) =>
        name is TrainFolder or TestFolder or ValidationFolder && Subfolders(Path.Combine(_folder, name)).Length > 0;

    private UserErrorException NoClasses()
    {
        var skipped = new Skipped();
        FileSystemInfo[] entries = Entries(_folder);
        foreach (FileSystemInfo entry in entries.Where(LeadsOut))
            skipped.Add(entry, LeadsOut(entry));
        string links = skipped.ToString() is { } text ? $" ({text})" : "";
        return new UserErrorException(
            entries.Any(entry => Pictures.IsPicture(entry.Name))
                ? $"{_folder}: expected a folder for each class, got pictures outside such folders{links}: put those "
                    + "of each class into a folder of its own, or list them with their labels in a .csv file"
                : $"{_folder}: expected a folder for each class with pictures in it, got none{links}: give another "
                    + "folder"
        );
    }

    private UserErrorException Missing(string what, string name) =>
        new(
            $"expected a folder {name} in {_folder} for its {what}, got none: put the class folders into "
                + $"folders {TrainFolder} and {TestFolder}"
        );

    private IReadOnlyList<string> Label(string[] classes)
    {
        string[] names = Array.ConvertAll(classes, name => PlainText.Excerpt(name));
        if (_preparation.ClassNames is { } known)
        {
            var index = new ClassIndex(known, _preparation.LabelsFrom);
            if (classes.Any(index.Knows))
            {
                index.CheckFirst(classes, $"{_folder}: ");
                foreach (string name in classes)
                    _labels[name] = index.LabelOf(name, $"{_folder}: ");
                return known;
            }

            if (classes.Length != known.Count)
            {
                string first = string.Join(", ", names.Take(3)) + (names.Length > 3 ? ", …" : "");
                throw new UserErrorException(
                    $"{_folder}: expected folders named after the model's {known.Count} classes, or exactly that "
                        + $"many folders, got {classes.Length} ({first}): rename them to the classes' names or numbers"
                );
            }
        }

        for (int label = 0; label < classes.Length; label++)
            _labels[classes[label]] = label;
        return names;
    }

    /// <summary>The pictures of each class, by label.</summary>
    private List<List<Picture>> Listed(string part, Skipped skipped)
    {
        var classes = new List<List<Picture>>();
        IEnumerable<FileSystemInfo> entries = Entries(part)
            .OrderBy(entry => _labels.GetValueOrDefault(entry.Name))
            .ThenBy(entry => entry.Name, StringComparer.Ordinal);
        foreach (FileSystemInfo entry in entries)
        {
            if (IsFolder(entry))
                classes.Add(PicturesIn(Path.Combine(part, entry.Name), _labels[entry.Name], skipped));
            else
                skipped.Add(entry, LeadsOut(entry));
        }

        return classes;
    }

    private List<Picture> PicturesIn(string folder, int label, Skipped skipped)
    {
        var pictures = new List<Picture>();
        foreach (FileSystemInfo file in Entries(folder))
        {
            bool leadsOut = LeadsOut(file);
            if (leadsOut || file is DirectoryInfo || !Pictures.IsPicture(file.Name))
                skipped.Add(file, leadsOut);
            else
                pictures.Add(new Picture(Path.Combine(folder, file.Name), label));
        }

        if (pictures.Count == 0)
        {
            string others = skipped.ToString() is { } text ? $" ({text})" : "";
            throw new UserErrorException(
                $"{folder}: expected pictures that end in {Pictures.Extensions}, got none{others}: add some, or "
                    + "remove the folder"
            );
        }

        pictures.Sort((a, b) => string.CompareOrdinal(a.File, b.File));
        return pictures;
    }

    private static List<Picture> InTurns(List<List<Picture>> classes)
    {
        int turns = classes.Max(files => files.Count);
        return
        [
            .. Enumerable
                .Range(0, turns)
                .SelectMany(turn => classes.Where(files => turn < files.Count).Select(files => files[turn])),
        ];
    }

    private string[] Subfolders(string folder) =>
        [.. Entries(folder).Where(IsFolder).Select(entry => entry.Name).Order(StringComparer.Ordinal)];

    private bool IsFolder(FileSystemInfo entry) => entry is DirectoryInfo && !LeadsOut(entry);

    private bool LeadsOut(FileSystemInfo entry) =>
        entry.Attributes.HasFlag(FileAttributes.ReparsePoint) && !_bounds.Holds(entry.FullName);

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

    /// <summary>The other files and folders among the pictures.</summary>
    private sealed class Skipped
    {
        private const int Named = 3;

        private readonly List<string> _names = [];

        public void Add(FileSystemInfo entry, bool leadsOut)
        {
            string kind =
                leadsOut ? " (a link that leads out of the folder)"
                : entry is DirectoryInfo ? " (a folder)"
                : "";
            _names.Add(PlainText.Excerpt(entry.Name) + kind);
        }

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
