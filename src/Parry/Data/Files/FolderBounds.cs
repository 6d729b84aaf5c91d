namespace Parry.Data.Files;

/// <summary>Tells which links lead to something inside a folder.</summary>
internal sealed class FolderBounds
{
    // The limit of Linux.
    private const int MostLinks = 40;

    private readonly string _inside;

    /// <summary>Follows the links in the folder's own path.</summary>
    public FolderBounds(string folder)
    {
        string real = RealPath(Path.GetFullPath(folder)) ?? Path.GetFullPath(folder);
        _inside = Path.TrimEndingDirectorySeparator(real) + Path.DirectorySeparatorChar;
    }

    /// <summary>Whether a path, all links in it followed, leads to a file or folder inside.</summary>
    public bool Holds(string path) =>
        RealPath(Path.GetFullPath(path)) is { } real && real.StartsWith(_inside, StringComparison.Ordinal);

    /// <summary>The path without links; null if it leads nowhere or in circles.</summary>
    private static string? RealPath(string path)
    {
        var parts = new Stack<string>();
        string at = Enter(path, parts);
        int links = 0;
        while (parts.TryPop(out string? part))
        {
            if (part == "..")
            {
                at = Path.GetDirectoryName(at) ?? at;
                continue;
            }

            string next = Path.Combine(at, part);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                at = next;
                continue;
            }

            links++;
            if (links > MostLinks)
                return null;
            at = Path.IsPathRooted(target) ? Enter(target, parts) : Push(target, parts, at);
        }

        return Path.Exists(at) ? at : null;
    }

    private static string Enter(string rooted, Stack<string> parts)
    {
        string root = Path.GetPathRoot(rooted)!;
        return Push(rooted[root.Length..], parts, root);
    }

    private static string Push(string relative, Stack<string> parts, string at)
    {
        char[] separators = [Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar];
        foreach (string part in relative.Split(separators, StringSplitOptions.RemoveEmptyEntries).Reverse())
        {
            if (part != ".")
                parts.Push(part);
        }

        return at;
    }
}
