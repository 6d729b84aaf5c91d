using System.Text;

namespace Parry.Data.Files;

/// <summary>Reads text files whose size is bounded.</summary>
internal static class TextFile
{
    private const long MaxBytes = 64L << 20;

    /// <summary>Reads the whole file as UTF-8.</summary>
    /// <exception cref="UserErrorException">It is missing, empty, larger than 64 MiB, or not text.</exception>
    public static string Read(string path)
    {
        try
        {
            // Devices and pipes, which may never end, have no length.
            long length = new FileInfo(path).Length;
            if (length is <= 0 or > MaxBytes)
                throw new UserErrorException($"{path}: expected a text file of 1 to {MaxBytes} bytes, got {length}");
            string text = File.ReadAllText(path, Encoding.UTF8);
            return text.Contains('\0', StringComparison.Ordinal)
                ? throw new UserErrorException($"{path}: expected text, got NUL bytes: give another file")
                : text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path}: expected a readable text file, got: {e.Message}", e);
        }
    }
}
