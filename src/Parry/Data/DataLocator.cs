namespace Parry.Data;

/// <summary>
/// Finds a data set on disk. Looked at in turn: the given folder, $PARRY_DATA, Debian's dataset packages, the user's
/// cache; in each the set's own folder first, then the folder itself.
/// </summary>
public static class DataLocator
{
    private const string DebianFolder = "/usr/share/datasets";

    /// <summary>The folder that holds a part of the set.</summary>
    /// <param name="set">The set.</param>
    /// <param name="part">The part whose files are needed.</param>
    /// <param name="dataDir">The folder to look in first, or null.</param>
    /// <exception cref="UserErrorException">The set is nowhere, or <paramref name="dataDir"/> does not
    /// exist.</exception>
    public static string Find(DataSet set, DataPart part, string? dataDir = null) => Find(set, part, Roots(dataDir));

    /// <summary>The folder of the user's cache into which the set is downloaded.</summary>
    public static string CacheFolder(DataSet set) => CacheFolder(set.Name);

    internal static string CacheFolder(string name) =>
        Path.Combine(CacheRoot(Environment.GetEnvironmentVariable), name);

    internal static string Find(DataSet set, DataPart part, IReadOnlyList<string> roots)
    {
        var names = set.FolderAliases.Prepend(set.Name).ToList();
        var remarks = "";
        foreach (var folder in Folders(names, roots))
        {
            if (!set.HasFiles(folder, part))
            {
                continue;
            }

            if (OtherSetIn(folder, set) is not { } other)
            {
                return folder;
            }

            remarks += $" ({folder} holds {other.Name})";
        }

        throw new UserErrorException(
            $"{set.Title} ({part.ToString().ToLowerInvariant()}) was not found in {string.Join(", ", roots)} or a "
                + $"folder {string.Join(" or ", names)} there{remarks}: download it with parry data fetch {set.Name}"
        );
    }

    /// <summary>The folders in which a set of these names can lie.</summary>
    internal static IEnumerable<string> Folders(IReadOnlyList<string> names, IReadOnlyList<string> roots) =>
        roots.SelectMany(root => names.Select(name => Path.Combine(root, name)).Append(root));

    /// <summary>The folders in which sets are looked for.</summary>
    /// <exception cref="UserErrorException"><paramref name="dataDir"/> does not exist.</exception>
    internal static IReadOnlyList<string> Roots(string? dataDir) =>
        dataDir is null || Directory.Exists(dataDir)
            ? Roots(dataDir, Environment.GetEnvironmentVariable)
            : throw new UserErrorException($"expected a data folder, there is none at {dataDir}: give one that exists");

    internal static IReadOnlyList<string> Roots(string? dataDir, Func<string, string?> environment) =>
        [
            .. new[] { dataDir, environment("PARRY_DATA"), DebianFolder, CacheRoot(environment) }.Where(root =>
                !string.IsNullOrEmpty(root)
            )!,
        ];

    internal static string CacheRoot(Func<string, string?> environment)
    {
        // The XDG specification says to ignore a relative path.
        var cache = environment("XDG_CACHE_HOME");
        var root = Path.IsPathRooted(cache)
            ? cache
            : Path.Combine(
                environment("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
                ".cache"
            );
        return Path.Combine(root, "parry", "data");
    }

    /// <summary>
    /// MNIST and its relatives name their files alike, so a folder can be taken for another set's. The small label
    /// files tell.
    /// </summary>
    private static DataSet? OtherSetIn(string folder, DataSet set) =>
        DataSets.All.FirstOrDefault(other =>
            other != set
            && other.Format == DataSet.FileFormat.Idx
            && other.Files.Any(file => file.Name.Contains("labels", StringComparison.Ordinal) && file.IsIn(folder))
        );
}
