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
            string text = RegularFile.ReadText(path, MaxBytes);
            if (text.Length == 0)
                throw new UserErrorException($"{path}: expected text, got an empty file: give another file");
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
