using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;

namespace Parry.Data;

/// <summary>
/// Downloads data sets. A file is written beside its final place, checked against its length and SHA-256 before
/// anything reads it, and only then renamed; whatever goes wrong leaves nothing half-written.
/// </summary>
public static class DataFetcher
{
    private static readonly TimeSpan s_stall = TimeSpan.FromSeconds(60);

    /// <summary>Downloads what the folder does not yet have of the set, trying the mirrors in turn.</summary>
    /// <param name="set">The set.</param>
    /// <param name="folder">Where its files go; created if missing.</param>
    /// <param name="client">Does the requests.</param>
    /// <param name="progress">Is told of every piece received, or null.</param>
    /// <param name="cancellation">Stops the download.</param>
    /// <returns>The number of files downloaded: 0 if everything was there and right.</returns>
    /// <exception cref="UserErrorException">The folder cannot be written to.</exception>
    /// <exception cref="IOException">No mirror gave the right file, or the disk is full.</exception>
    public static async Task<int> FetchAsync(
        DataSet set,
        string folder,
        HttpClient client,
        IProgress<FetchProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        var downloaded = 0;
        foreach (var download in set.Downloads)
        {
            var isArchive = download.Name.EndsWith(".tar.gz", StringComparison.Ordinal);
            var files = set.Files.Where(file => isArchive || download.Name == file.Name + ".gz");
            if (files.All(file => file.IsIn(folder)))
            {
                continue;
            }

            var partial = Path.Combine(folder, download.Name + ".partial");
            var target = CreateFile(partial);
            try
            {
                using (target)
                {
                    await DownloadAsync(set.Title, set.Mirrors, download, target, client, progress, cancellation)
                        .ConfigureAwait(false);
                }

                if (isArchive)
                {
                    await UnpackAsync(set, partial, folder, cancellation).ConfigureAwait(false);
                }
                else
                {
                    File.Move(partial, Path.Combine(folder, download.Name), overwrite: true);

                    // A wrong plain file would be found before the downloaded one.
                    File.Delete(Path.Combine(folder, Path.GetFileNameWithoutExtension(download.Name)));
                }
            }
            finally
            {
                File.Delete(partial);
            }

            downloaded++;
        }

        return downloaded;
    }

    /// <summary>Downloads one file that is used as it is, trying the mirrors in turn.</summary>
    /// <param name="title">What it belongs to, for messages.</param>
    /// <param name="mirrors">Addresses of folders that hold it, ending in a slash.</param>
    /// <param name="file">The file.</param>
    /// <param name="folder">Where it goes; created if missing.</param>
    /// <param name="client">Does the requests.</param>
    /// <param name="progress">Is told of every piece received, or null.</param>
    /// <param name="cancellation">Stops the download.</param>
    /// <exception cref="UserErrorException">The folder cannot be written to.</exception>
    /// <exception cref="IOException">No mirror gave the right file, or the disk is full.</exception>
    public static async Task FetchFileAsync(
        string title,
        IReadOnlyList<Uri> mirrors,
        DataFile file,
        string folder,
        HttpClient client,
        IProgress<FetchProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        var partial = Path.Combine(folder, file.Name + ".partial");
        var target = CreateFile(partial);
        try
        {
            using (target)
            {
                await DownloadAsync(title, mirrors, file, target, client, progress, cancellation).ConfigureAwait(false);
            }

            File.Move(partial, Path.Combine(folder, file.Name), overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
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

    private static async Task DownloadAsync(
        string title,
        IReadOnlyList<Uri> mirrors,
        DataFile file,
        FileStream target,
        HttpClient client,
        IProgress<FetchProgress>? progress,
        CancellationToken cancellation
    )
    {
        var failures = new List<string>();
        foreach (var address in mirrors.Select(mirror => new Uri(mirror, file.Name)))
        {
            try
            {
                target.SetLength(0);
                var hash = await ReceiveAsync(address, file, target, client, progress, cancellation)
                    .ConfigureAwait(false);
                if (hash == file.Sha256)
                {
                    return;
                }

                failures.Add($"{address}: expected SHA-256 {file.Sha256}, got {hash}");
            }
            catch (MirrorException e)
            {
                failures.Add($"{address}: {e.Message}");
            }
        }

        throw new IOException(
            $"no mirror gave the right {file.Name} of {title}: {string.Join("; ", failures)}: try again later, or "
                + $"put the file into {Path.GetDirectoryName(target.Name)}"
        );
    }

    /// <summary>
    /// Writes the file and returns its SHA-256; stops at a mirror that sends another length or falls silent.
    /// </summary>
    private static async Task<string> ReceiveAsync(
        Uri address,
        DataFile file,
        FileStream target,
        HttpClient client,
        IProgress<FetchProgress>? progress,
        CancellationToken cancellation
    )
    {
        using var stall = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        stall.CancelAfter(s_stall);
        try
        {
            using var response = await client
                .GetAsync(address, HttpCompletionOption.ResponseHeadersRead, stall.Token)
                .ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                throw new MirrorException($"the server answers {(int)response.StatusCode} {response.ReasonPhrase}");
            }

            using var body = await response.Content.ReadAsStreamAsync(stall.Token).ConfigureAwait(false);
            var buffer = new byte[128 * 1024];
            long received = 0;
            int got;
            while ((got = await ReadAsync(body, buffer, stall.Token).ConfigureAwait(false)) > 0)
            {
                received += got;
                if (received > file.Bytes)
                {
                    throw new MirrorException($"expected {file.Bytes} bytes, got more");
                }

                sha.AppendData(buffer, 0, got);
                await target.WriteAsync(buffer.AsMemory(0, got), cancellation).ConfigureAwait(false);
                progress?.Report(new FetchProgress(file.Name, received, file.Bytes));
                stall.CancelAfter(s_stall);
            }

            return received == file.Bytes
                ? Convert.ToHexStringLower(sha.GetHashAndReset())
                : throw new MirrorException($"expected {file.Bytes} bytes, got {received}");
        }
        catch (HttpRequestException e)
        {
            throw new MirrorException(e.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new MirrorException("the server fell silent");
        }
    }

    /// <summary>Reads from the network, so that its failures are told from those of the disk.</summary>
    private static async Task<int> ReadAsync(Stream body, byte[] buffer, CancellationToken cancellation)
    {
        try
        {
            return await body.ReadAsync(buffer, cancellation).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw new MirrorException(e.Message);
        }
    }

    /// <summary>Takes the set's files, and nothing else, out of a checked archive.</summary>
    private static async Task UnpackAsync(DataSet set, string archive, string folder, CancellationToken cancellation)
    {
        using var file = File.OpenRead(archive);
        using var content = new GZipStream(file, CompressionMode.Decompress);
        using var tar = new TarReader(content);
        var missing = set.Files.ToDictionary(entry => entry.Name);
        while (await tar.GetNextEntryAsync(cancellationToken: cancellation).ConfigureAwait(false) is { } entry)
        {
            if (
                entry.DataStream is null
                || !missing.TryGetValue(Path.GetFileName(entry.Name), out var wanted)
                || entry.Length != wanted.Bytes
            )
            {
                continue;
            }

            var path = Path.Combine(folder, wanted.Name);
            var partial = path + ".partial";
            var target = CreateFile(partial);
            try
            {
                using (target)
                {
                    await entry.DataStream.CopyToAsync(target, cancellation).ConfigureAwait(false);
                }

                File.Move(partial, path, overwrite: true);
                missing.Remove(wanted.Name);
            }
            finally
            {
                File.Delete(partial);
            }
        }

        if (missing.Count > 0)
        {
            throw new IOException(
                $"{Path.GetFileName(archive)}: expected the files {string.Join(", ", missing.Keys)} in it, they are "
                    + $"missing or of another length"
            );
        }
    }

    /// <summary>Why one mirror did not serve.</summary>
    private sealed class MirrorException(string message) : Exception(message);
}
