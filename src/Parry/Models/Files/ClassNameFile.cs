using System.Text.Json;
using Parry.Data.Files;

namespace Parry.Models.Files;

/// <summary>
/// Finds the names of a model's classes when its file does not contain them: <c>classes.txt</c> or
/// <c>imagenet-classes.txt</c>, one name a line, beside the file; for the 1,000 classes of ImageNet also in $PARRY_DATA
/// or its folder <c>imagenet-samples</c>.
/// </summary>
public static class ClassNameFile
{
    private const int ImageNetClasses = 1000;
    private const long MostBytes = 16 << 20;

    /// <summary>The names; null if no file has one line for each class.</summary>
    /// <param name="modelFile">The model's file.</param>
    /// <param name="classes">The number of its classes.</param>
    /// <exception cref="UserErrorException">A file of names cannot be read.</exception>
    public static IReadOnlyList<string>? Find(string modelFile, int classes) =>
        Find(modelFile, classes, Environment.GetEnvironmentVariable("PARRY_DATA"));

    /// <summary>Reads a file of names: one per line, or a JSON list.</summary>
    /// <exception cref="UserErrorException">It cannot be read, or has fewer than two names.</exception>
    public static IReadOnlyList<string> Read(string path)
    {
        try
        {
            string text = RegularFile.ReadText(path, MostBytes);
            string[] names = text.TrimStart().StartsWith('[')
                ? JsonSerializer.Deserialize<string?[]>(text)?.OfType<string>().ToArray() ?? []
                : text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            return names.Length >= 2
                ? names
                : throw new UserErrorException(
                    $"{path}: expected the names of at least two classes, one per line, got {names.Length}"
                );
        }
        catch (JsonException e)
        {
            string place = e.LineNumber is { } line ? $" (line {line + 1})" : "";
            throw new UserErrorException(
                $"{path}: expected a JSON list of names in quotation marks, such as [\"cat\", \"dog\"], got something "
                    + $"else{place}",
                e
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"{path}: expected a readable file with the names of classes, one per line or a JSON list, got: "
                    + $"{e.Message}",
                e
            );
        }
    }

    internal static IReadOnlyList<string>? Find(string modelFile, int classes, string? data)
    {
        List<string> folders = [Path.GetDirectoryName(Path.GetFullPath(modelFile))!];
        if (classes == ImageNetClasses && !string.IsNullOrEmpty(data))
            folders.AddRange([data, Path.Combine(data, "imagenet-samples")]);
        return folders
            .SelectMany(folder =>
                new[] { Path.Combine(folder, "classes.txt"), Path.Combine(folder, "imagenet-classes.txt") }
            )
            .Where(File.Exists)
            .Select(file =>
                TextFile.Read(file).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            )
            .FirstOrDefault(names => names.Length == classes);
    }
}
