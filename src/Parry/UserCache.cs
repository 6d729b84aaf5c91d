namespace Parry;

/// <summary>The folders of the user's cache: downloads and other files that can be made again.</summary>
internal static class UserCache
{
    /// <summary>A folder of the cache; it need not exist.</summary>
    public static string Folder(string name) => Path.Combine(Root(Environment.GetEnvironmentVariable), name);

    /// <summary>The folder that holds the others: <c>parry/data</c> in $XDG_CACHE_HOME or in <c>~/.cache</c>.</summary>
    public static string Root(Func<string, string?> environment)
    {
        // The XDG specification says to ignore a relative path.
        string? cache = environment("XDG_CACHE_HOME");
        if (!Path.IsPathRooted(cache))
        {
            string? home = environment("HOME");
            home ??= Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            cache = Path.Combine(home, ".cache");
        }

        return Path.Combine(cache, "parry", "data");
    }
}
