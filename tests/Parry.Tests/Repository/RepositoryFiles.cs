using System.Runtime.CompilerServices;

namespace Parry.Tests.Repository;

/// <summary>The files that the tests were built from.</summary>
internal static class RepositoryFiles
{
    /// <summary>The folder that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every C# file of the product and its tests, by its path from the root.</summary>
    public static IEnumerable<string> Code() =>
        new[] { "src", "tests" }
            .SelectMany(folder =>
                Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            )
            .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'));

    /// <summary>The lines of a file given by its path from the root.</summary>
    public static IEnumerable<string> Lines(string path) => File.ReadLines(Path.Combine(Root, path));

    private static string FindRoot([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../.."));
}
