using Parry.Data.Published;

namespace Parry.Data;

/// <summary>
/// Finds a data set on disk: in the given folder, $PARRY_DATA, Debian's dataset packages or the user's cache, in this
/// order. In each of these the set's own folder is searched first, then the folder itself.
/// </summary>
public static class DataLocator
{
    private const string DebianFolder = "/usr/share/datasets";

    /// <summary>Finds the folder with a part of the set.</summary>
    /// <param name="set">The set.</param>
    /// <param name="part">The part whose files are needed.</param>
    /// <param name="dataDir">The folder to search first, or null.</param>
    /// <exception cref="UserErrorException">The set is not found, or <paramref name="dataDir"/> does not
    /// exist.</exception>
    public static string Find(PublishedData set, DataPart part, string? dataDir = null) =>
        Find(set, part, Roots(dataDir));

    /// <summary>Where a part of the set is; null if it is nowhere.</summary>
    /// <param name="set">The set.</param>
    /// <param name="part">The part whose files are needed.</param>
    /// <param name="dataDir">The folder to search first, or null.</param>
    public static string? Where(PublishedData set, DataPart part, string? dataDir = null)
    {
        try
        {
            return Find(set, part, dataDir);
        }
        catch (UserErrorException)
        {
            return null;
        }
    }

    /// <summary>
    /// A file as it is named, or else one of this name in $PARRY_DATA or another folder in which sets are searched; the
    /// name as it is if there is none.
    /// </summary>
    public static string FileOf(string name) => FileOf(name, Roots(dataDir: null));

    /// <summary>The folder of the user's cache into which the set is downloaded.</summary>
    public static string CacheFolder(PublishedData set) => UserCache.Folder(set.Name);

    internal static string Find(PublishedData set, DataPart part, IReadOnlyList<string> roots)
    {
        string[] names = [set.Name, .. set.FolderAliases];
        string remarks = "";
        foreach (string folder in Folders(names, roots).Where(folder => set.HasFiles(folder, part)))
        {
            if (OtherSetIn(folder, set) is not { } other)
                return folder;
            remarks += $" ({folder} holds {other.Name})";
        }

        throw new UserErrorException(
            $"{set.Title} ({part.ToString().ToLowerInvariant()}) was not found in {string.Join(", ", roots)} or a "
                + $"folder {string.Join(" or ", names)} there{remarks}: {set.HowToGet}"
        );
    }

    internal static string FileOf(string name, IReadOnlyList<string> roots) =>
        roots.Select(root => Path.Combine(root, name)).Prepend(name).FirstOrDefault(File.Exists, name);

    /// <summary>Lists the folders that can contain a set with these names.</summary>
    private static IEnumerable<string> Folders(IReadOnlyList<string> names, IReadOnlyList<string> roots) =>
        roots.SelectMany(root => names.Select(name => Path.Combine(root, name)).Append(root));

    /// <summary>Lists the folders in which sets are searched.</summary>
    /// <exception cref="UserErrorException"><paramref name="dataDir"/> does not exist.</exception>
    private static IReadOnlyList<string> Roots(string? dataDir) =>
        dataDir is null || Directory.Exists(dataDir)
            ? Roots(dataDir, Environment.GetEnvironmentVariable)
            : throw new UserErrorException($"expected an existing data folder, got {dataDir}: give one that exists");

    internal static IReadOnlyList<string> Roots(string? dataDir, Func<string, string?> environment) =>
        [
            .. new[] { dataDir, environment("PARRY_DATA"), DebianFolder, UserCache.Root(environment) }.Where(root =>
                !string.IsNullOrEmpty(root)
            )!,
        ];

    /// <summary>
    /// MNIST and sets like it use the same file names, so a folder can be taken for that of another set. The small
    /// label files distinguish them.
    /// </summary>
    private static DataSet? OtherSetIn(string folder, PublishedData set)
    {
        if (set is not DataSet own)
            return null;
        string[] labels =
        [
            .. own.Files.Select(file => file.Name).Where(name => name.Contains("labels", StringComparison.Ordinal)),
        ];
        return DataSets
            .All.OfType<DataSet>()
            .FirstOrDefault(other =>
                other != own && other.Files.Any(file => labels.Contains(file.Name) && file.IsIn(folder))
            );
    }
}
