using Parry.Data.Published;

namespace Parry.Models.Files;

/// <summary>
/// Weights of public networks that have a short name and do not ship. They are searched in $PARRY_MODELS, $PARRY_DATA,
/// the folder <c>models</c> beside that, and the user's cache; otherwise they are downloaded into the cache from the
/// folder at the URL $PARRY_WEIGHTS_URL, and kept only if the SHA-256 is right.
/// </summary>
public static class NamedWeights
{
    private static readonly Dictionary<string, DataFile> s_files = new(StringComparer.Ordinal)
    {
        ["mobilenetv2"] = new(
            "mobilenetv2-imagenet.safetensors",
            13965084,
            "7416208e871378fb06eb1fdbcd3c701bdc828824ecb88482e9d22815fc02ec94"
        ),
    };

    /// <summary>The names.</summary>
    public static IReadOnlyCollection<string> Names => s_files.Keys;

    /// <summary>Finds the file with these weights, or downloads it.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="UserErrorException">The name is unknown, or there is no file and no URL to download it
    /// from.</exception>
    /// <exception cref="IOException">The download failed, or the SHA-256 is wrong.</exception>
    public static string Find(string name)
    {
        using var client = new HttpClient();
        return Find(
            s_files.GetValueOrDefault(name)
                ?? throw new UserErrorException($"expected one of {string.Join(", ", Names)}, got \"{name}\""),
            Environment.GetEnvironmentVariable,
            client
        );
    }

    internal static string Find(DataFile weights, Func<string, string?> environment, HttpClient client)
    {
        string cache = Path.Combine(UserCache.Root(environment), "weights");
        string data = environment("PARRY_DATA") ?? "";
        string?[] folders =
        [
            environment("PARRY_MODELS"),
            data,
            data.Length > 0 ? Path.Combine(data, "..", "models") : null,
            cache,
        ];
        if (
            folders
                .Where(folder => !string.IsNullOrEmpty(folder))
                .Select(folder => Path.Combine(folder!, weights.Name))
                .FirstOrDefault(File.Exists) is
            { } found
        )
            return found;
        if (environment("PARRY_WEIGHTS_URL") is not { Length: > 0 } address)
            throw new UserErrorException(
                $"{weights.Name} is not in $PARRY_MODELS, $PARRY_DATA, the folder models beside $PARRY_DATA or "
                    + $"{cache}, and it has no public URL: put it there, or set PARRY_WEIGHTS_URL to the URL of a "
                    + "folder that has it"
            );
        if (
            !Uri.TryCreate(address.TrimEnd('/') + "/", UriKind.Absolute, out Uri? mirror)
            || mirror.Scheme is not ("http" or "https")
        )
            throw new UserErrorException(
                $"expected PARRY_WEIGHTS_URL to be the http:// or https:// URL of a folder, got \"{address}\""
            );

        // Off the caller's synchronization context, for which the download would wait forever.
        Task.Run(() => DataFetcher.FetchFileAsync("the weights", [mirror], weights, cache, client))
            .GetAwaiter()
            .GetResult();
        return Path.Combine(cache, weights.Name);
    }
}
