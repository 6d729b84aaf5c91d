using System.Collections.Concurrent;
using System.Text;

namespace Parry;

/// <summary>
/// Writes a file so that a reader sees either the old content or the whole new content, never a part of it: the bytes
/// go to a temporary file in the same folder, are flushed to the disk and take the final name in one step.
/// </summary>
public static class AtomicFile
{
    // errno values as .NET hands them on in IOException.HResult on Unix.
    private const int NoSpaceLeft = 28;
    private const int QuotaExceeded = 122;

    private const string TemporaryPrefix = ".parry-";
    private const string TemporarySuffix = ".tmp";
    private static readonly TimeSpan s_new = TimeSpan.FromMilliseconds(100);
    private static readonly ConcurrentDictionary<string, bool> s_swept = new();

    /// <summary>
    /// Writes <paramref name="path"/> with what <paramref name="write"/> puts into the stream; makes the folder when it
    /// is missing. Whatever <paramref name="write"/> throws passes through, with the old file untouched and the
    /// temporary file removed.
    /// </summary>
    /// <exception cref="UserErrorException">The folder cannot be made or written to.</exception>
    /// <exception cref="IOException">The disk is full or fails while writing.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        path = Path.GetFullPath(path);
        string folder =
            Path.GetDirectoryName(path)
            ?? throw new UserErrorException($"Cannot write '{path}': it is a folder. Name a file.");
        string temporary = Path.Combine(folder, $"{TemporaryPrefix}{Path.GetRandomFileName()}{TemporarySuffix}");
        bool done = false;
        try
        {
            using (FileStream stream = Create(folder, temporary, path))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
                Rename(temporary, path);
            }

            done = true;
        }
        catch (IOException e) when (IsFull(e))
        {
            throw Full(path, e);
        }
        finally
        {
            if (!done)
                TryDelete(temporary);
        }
    }

    /// <summary>Writes <paramref name="text"/> to <paramref name="path"/> as UTF-8 without a byte order mark.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public static void WriteText(string path, string text) =>
        Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>
    /// Deletes the temporary files that processes which were killed left in a folder; done for every folder that is
    /// written to. Files that some process holds open stay.
    /// </summary>
    /// <returns>Whether no file was too new to tell, so that the folder need not be swept again.</returns>
    public static bool Sweep(string folder)
    {
        bool all = true;
        var readable = new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.None };
        foreach (string left in Directory.EnumerateFiles(folder, $"{TemporaryPrefix}*{TemporarySuffix}", readable))
        {
            try
            {
                // A file just made may not be locked yet.
                if (DateTime.UtcNow - File.GetLastWriteTimeUtc(left) < s_new)
                {
                    all = false;
                    continue;
                }

                using (new FileStream(left, FileMode.Open, FileAccess.Write, FileShare.None))
                    File.Delete(left);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another process writes it, or it is not ours.
            }
        }

        return all;
    }

    private static FileStream Create(string folder, string temporary, string path)
    {
        try
        {
            Directory.CreateDirectory(folder);
            if (!s_swept.ContainsKey(folder) && Sweep(folder))
                s_swept.TryAdd(folder, true);
            return new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Delete);
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException io && !IsFull(io)))
        {
            throw new UserErrorException(
                $"Cannot write '{path}': the folder '{folder}' is not writable ({Reason(e)}). Choose a folder "
                    + "you may write to.",
                e
            );
        }
    }

    private static void Rename(string temporary, string path)
    {
        try
        {
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (Directory.Exists(path) && e is IOException))
        {
            throw new UserErrorException(
                $"Cannot write '{path}': "
                    + $"{(Directory.Exists(path) ? "a folder has that name" : Reason(e))}. Choose another name.",
                e
            );
        }
    }

    private static bool IsFull(IOException e) => e.HResult is NoSpaceLeft or QuotaExceeded;

    private static IOException Full(string path, IOException e) =>
        new(
            $"The disk is full: '{path}' was not written, an earlier file of that name is as it was. Free "
                + "some space and run again.",
            e
        );

    // The system's words end in the temporary name, which means nothing to the reader.
    private static string Reason(Exception e) =>
        e is UnauthorizedAccessException ? "permission denied" : e.Message.Split(" : ")[0].Trim();

    private static void TryDelete(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one worth reporting.
        }
    }
}
