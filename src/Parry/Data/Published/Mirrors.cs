using System.Security.Cryptography;

namespace Parry.Data.Published;

/// <summary>Servers that hold the same files, tried in turn.</summary>
/// <param name="title">What the files belong to, for messages.</param>
/// <param name="folders">The URLs of folders that hold the files, ending in a slash.</param>
/// <param name="client">Sends the requests.</param>
/// <param name="progress">Receives the number of bytes as they arrive, or null.</param>
internal sealed class Mirrors(
    string title,
    IReadOnlyList<Uri> folders,
    HttpClient client,
    IProgress<FetchProgress>? progress
)
{
    private static readonly TimeSpan s_stall = TimeSpan.FromSeconds(60);

    /// <summary>Writes a file, checked against its length and SHA-256.</summary>
    /// <exception cref="IOException">No mirror sent the right file, or the disk is full.</exception>
    public async Task DownloadAsync(DataFile file, FileStream target, CancellationToken cancellation)
    {
        var failures = new List<string>();
        foreach (Uri url in folders.Select(folder => new Uri(folder, file.Name)))
        {
            try
            {
                target.SetLength(0);
                string hash = await ReceiveAsync(url, file, target, cancellation).ConfigureAwait(false);
                if (hash == file.Sha256)
                    return;
                failures.Add($"{url}: expected SHA-256 {file.Sha256}, got {hash}");
            }
            catch (MirrorException e)
            {
                failures.Add($"{url}: {e.Message}");
            }
        }

        throw new IOException(
            $"no mirror sent the right {file.Name} of {title}: {string.Join("; ", failures)}: try again later, or "
                + $"put the file into {Path.GetDirectoryName(target.Name)}"
        );
    }

    /// <summary>
    /// Writes the file and returns its SHA-256; gives up on a mirror that sends another length or stops sending.
    /// </summary>
    private async Task<string> ReceiveAsync(Uri url, DataFile file, FileStream target, CancellationToken cancellation)
    {
        using var stall = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        stall.CancelAfter(s_stall);
        try
        {
            using HttpResponseMessage response = await client
                .GetAsync(url, HttpCompletionOption.ResponseHeadersRead, stall.Token)
                .ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
                throw new MirrorException($"the server answered {(int)response.StatusCode} {response.ReasonPhrase}");
            using Stream body = await response.Content.ReadAsStreamAsync(stall.Token).ConfigureAwait(false);
            var buffer = new byte[128 * 1024];
            long received = 0;
            int got;
            while ((got = await ReadAsync(body, buffer, stall.Token).ConfigureAwait(false)) > 0)
            {
                received += got;
                if (received > file.Bytes)
                    throw new MirrorException($"expected {file.Bytes} bytes, got more");
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
            throw new MirrorException($"the server sent nothing for {s_stall.TotalSeconds:0} seconds");
        }
    }

    /// <summary>Reads from the network, so that its errors are distinguished from those of the disk.</summary>
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

    /// <summary>Why one mirror failed.</summary>
    private sealed class MirrorException(string message) : Exception(message);
}
