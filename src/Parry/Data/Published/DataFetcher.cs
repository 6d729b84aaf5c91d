using System.Formats.Tar;
using System.IO.Compression;
using Parry.Data.Files;

namespace Parry.Data.Published;

/// <summary>
/// Downloads data sets. A file is written under a temporary name, checked against its length and SHA-256, and then
/// renamed, so an error leaves no incomplete file.
/// </summary>
public static class DataFetcher
{
    /// <summary>Downloads the files of the set that the folder does not yet have, trying the mirrors in turn.</summary>
    /// <param name="set">The set.</param>
    /// <param name="folder">The folder for its files; created if missing.</param>
    /// <param name="client">Sends the requests.</param>
    /// <param name="progress">Receives the number of bytes as they arrive, or null.</param>
    /// <param name="cancellation">Stops the download.</param>
    /// <returns>The number of files downloaded; 0 if all files were already there and correct.</returns>
    /// <exception cref="UserErrorException">The folder is not writable.</exception>
    /// <exception cref="IOException">No mirror sent the right file, or the disk is full.</exception>
    public static async Task<int> FetchAsync(
        DataSet set,
        string folder,
        HttpClient client,
        IProgress<FetchProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        var mirrors = new Mirrors(set.Title, set.Mirrors, client, progress);
        int downloaded = 0;
        foreach (DataFile download in set.Downloads)
        {
            bool isArchive = download.Name.EndsWith(".tar.gz", StringComparison.Ordinal);
            var files = set.Files.Where(file => isArchive || download.Name == file.Name + ".gz");
            if (files.All(file => file.IsIn(folder)))
                continue;
            string path = Path.Combine(folder, download.Name);
            await WriteAsync(
                    path,
                    target => mirrors.DownloadAsync(download, target, cancellation),
                    partial => isArchive ? UnpackAsync(set, partial, folder, cancellation) : MoveAsync(partial, path)
                )
                .ConfigureAwait(false);

            // A wrong plain file would be found instead of the downloaded one.
            if (!isArchive)
                File.Delete(Path.Combine(folder, Path.GetFileNameWithoutExtension(download.Name)));
            downloaded++;
        }

        return downloaded;
    }

    /// <summary>Downloads one file without unpacking it, trying the mirrors in turn.</summary>
    /// <param name="title">What the file belongs to, for messages.</param>
    /// <param name="mirrors">The URLs of folders that hold the file, ending in a slash.</param>
    /// <param name="file">The file.</param>
    /// <param name="folder">The folder for the file; created if missing.</param>
    /// <param name="client">Sends the requests.</param>
    /// <param name="progress">Receives the number of bytes as they arrive, or null.</param>
    /// <param name="cancellation">Stops the download.</param>
    /// <exception cref="UserErrorException">The folder is not writable.</exception>
    /// <exception cref="IOException">No mirror sent the right file, or the disk is full.</exception>
    public static Task FetchFileAsync(
        string title,
        IReadOnlyList<Uri> mirrors,
        DataFile file,
        string folder,
        HttpClient client,
        IProgress<FetchProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        var source = new Mirrors(title, mirrors, client, progress);
        string path = Path.Combine(folder, file.Name);
        return WriteAsync(
            path,
            target => source.DownloadAsync(file, target, cancellation),
            partial => MoveAsync(partial, path)
        );
    }

    /// <summary>Writes a temporary file beside a path, and passes it on when it is complete.</summary>
    private static async Task WriteAsync(string path, Func<FileStream, Task> write, Func<string, Task> finish)
    {
        string partial = path + ".partial";
        FileStream target = CreateFile(partial);
        try
        {
            using (target)
                await write(target).ConfigureAwait(false);
            await finish(partial).ConfigureAwait(false);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    private static Task MoveAsync(string from, string to)
    {
        File.Move(from, to, overwrite: true);
        return Task.CompletedTask;
    }

    private static FileStream CreateFile(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"expected to be able to write {path}, got: {e.Message}", e);
        }
    }

    /// <summary>Extracts only the set's files from a checked archive.</summary>
    private static async Task UnpackAsync(DataSet set, string archive, string folder, CancellationToken cancellation)
    {
        using var file = RegularFile.Open(archive);
        using var content = new GZipStream(file, CompressionMode.Decompress);
        using var tar = new TarReader(content);
        var missing = set.Files.ToDictionary(entry => entry.Name);
        while (await tar.GetNextEntryAsync(cancellationToken: cancellation).ConfigureAwait(false) is { } entry)
        {
            bool isWanted = missing.TryGetValue(Path.GetFileName(entry.Name), out DataFile? wanted);
            if (!isWanted || entry.DataStream is null || entry.Length != wanted!.Bytes)
                continue;
            string path = Path.Combine(folder, wanted.Name);
            await WriteAsync(
                    path,
                    target => entry.DataStream.CopyToAsync(target, cancellation),
                    partial => MoveAsync(partial, path)
                )
                .ConfigureAwait(false);
            missing.Remove(wanted.Name);
        }

        if (missing.Count > 0)
        {
            throw new IOException(
                $"{Path.GetFileName(archive)}: expected the files {string.Join(", ", missing.Keys)} in it, got an "
                    + "archive in which they are missing or have another length"
            );
        }
    }
}
