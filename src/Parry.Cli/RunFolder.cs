using Parry.Data.Files;

namespace Parry.Cli;

/// <summary>
/// The folder of one run's results. It lists there what Parry writes, before it is written, so that the next run can
/// refuse a folder in use or delete just these files.
/// </summary>
internal sealed class RunFolder
{
    private const string ListName = ".parry-files";
    private const long MostBytes = 64L << 20;

    private readonly SortedSet<string> _files = new(StringComparer.Ordinal);

    private IReadOnlyList<string> _earlier;

    private RunFolder(string path, IReadOnlyList<string> earlier) => (FullPath, _earlier) = (path, earlier);

    /// <summary>The folder.</summary>
    public string FullPath { get; }

    /// <summary>Makes the folder, checks that it can be written to, and that no other run's files are in it.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="overwrite">Whether the files of an earlier run are deleted.</param>
    /// <param name="names">Files that the run will write in any case, which must not be anybody else's.</param>
    /// <exception cref="UserErrorException">It holds another run, or cannot be made or written to.</exception>
    public static RunFolder Begin(string path, bool overwrite, params IReadOnlyList<string> names)
    {
        Reports.ReportFolder.CheckWritable(path);
        string[] listed = Listed(Path.Combine(path, ListName));
        string[] written = [.. listed.Where(file => IsInside(path, file) && File.Exists(Path.Combine(path, file)))];
        if (written.Length > 0 && !overwrite)
            throw new UserErrorException(
                $"'{path}' holds the results of another run, {written.Length} files: choose another folder, or add "
                    + "--overwrite to delete them first"
            );
        if (names.Except(written).FirstOrDefault(name => Path.Exists(Path.Combine(path, name))) is { } foreign)
            throw new UserErrorException(
                $"'{path}' holds {foreign}, which no earlier run listed as its own: choose another folder, or move it "
                    + "away"
            );
        return new RunFolder(path, written);
    }

    /// <summary>
    /// Lists files that are about to be written. The first time, those of the earlier run are deleted: not before there
    /// is something to put in their place.
    /// </summary>
    /// <param name="files">Relative to the folder.</param>
    public void Claim(params IEnumerable<string> files)
    {
        foreach (string file in _earlier)
            Delete(FullPath, file);
        _earlier = [];
        _files.UnionWith(files);
        AtomicFile.WriteText(Path.Combine(FullPath, ListName), string.Join('\n', _files) + "\n");
    }

    private static string[] Listed(string list)
    {
        if (!File.Exists(list))
            return [];
        try
        {
            return RegularFile.ReadText(list, MostBytes).Split('\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"{list}: expected a readable list of a run's files, got: {e.Message}: choose another folder",
                e
            );
        }
    }

    // A list that somebody else has written must not lead out of the folder, also not through links.
    private static bool IsInside(string folder, string file)
    {
        string[] parts = file.Split('/');
        if (Path.IsPathRooted(file) || parts.Any(part => part is "" or "." or ".."))
            return false;
        string at = folder;
        foreach (string part in parts.SkipLast(1))
        {
            at = Path.Combine(at, part);
            if (new DirectoryInfo(at).LinkTarget is not null)
                return false;
        }

        return true;
    }

    private static void Delete(string folder, string file)
    {
        try
        {
            File.Delete(Path.Combine(folder, file));
            string inner = Path.GetDirectoryName(file) ?? "";
            if (inner.Length == 0)
                return;
            AtomicFile.Sweep(Path.Combine(folder, inner));
            if (!Directory.EnumerateFileSystemEntries(Path.Combine(folder, inner)).Any())
                Directory.Delete(Path.Combine(folder, inner));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UserErrorException($"Cannot delete '{Path.Combine(folder, file)}': permission denied.", e);
        }
    }
}
