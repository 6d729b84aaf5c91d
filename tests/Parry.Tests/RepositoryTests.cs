using System.Runtime.CompilerServices;
using Parry.Models;

namespace Parry.Tests;

/// <summary>Rules of the house that a machine can check.</summary>
public class RepositoryTests
{
    private const int MostLines = 750;

    [Fact]
    public void No_file_is_too_long_to_read()
    {
        var longer = Sources().Where(file => File.ReadLines(file).Count() > MostLines).Select(Path.GetFileName);
        Assert.Empty(longer);
    }

    [Fact]
    public void Imports_run_one_way()
    {
        static bool Uses(string file, params string[] spaces) =>
            File.ReadLines(file)
                .Any(line => spaces.Any(space => line.StartsWith($"using {space}", StringComparison.Ordinal)));
        string Of(string folder) => Path.Combine(Root(), "src", folder) + Path.DirectorySeparatorChar;
        Assert.DoesNotContain(
            Sources(),
            file =>
                file.StartsWith(Of("Parry/Runtime"), StringComparison.Ordinal)
                && Uses(
                    file,
                    "Parry.Models",
                    "Parry.Attacks",
                    "Parry.Generative",
                    "Parry.Defenses",
                    "Parry.Evaluation",
                    "Parry.Reports",
                    "Parry.Cli"
                )
        );
        Assert.DoesNotContain(
            Sources(),
            file =>
                (
                    file.StartsWith(Of("Parry/Data"), StringComparison.Ordinal)
                    || file.StartsWith(Of("Parry/Models"), StringComparison.Ordinal)
                ) && Uses(file, "Parry.Attacks", "Parry.Defenses", "Parry.Evaluation", "Parry.Reports", "Parry.Cli")
        );
        Assert.DoesNotContain(
            Sources(),
            file =>
                (
                    file.StartsWith(Of("Parry/Attacks"), StringComparison.Ordinal)
                    || file.StartsWith(Of("Parry/Generative"), StringComparison.Ordinal)
                ) && Uses(file, "Parry.Defenses", "Parry.Evaluation", "Parry.Reports", "Parry.Cli")
        );
        Assert.DoesNotContain(
            Sources(),
            file =>
                file.StartsWith(Of("Parry/Defenses"), StringComparison.Ordinal)
                && Uses(file, "Parry.Evaluation", "Parry.Reports", "Parry.Cli")
        );
        Assert.DoesNotContain(
            Sources(),
            file =>
                file.StartsWith(Of("Parry/Evaluation"), StringComparison.Ordinal)
                && Uses(file, "Parry.Reports", "Parry.Cli")
        );
    }

    [Fact]
    public void The_shipped_weights_are_under_60_megabytes_together_and_say_how_they_were_made()
    {
        string[] files = Directory.GetFiles(Path.Combine(Root(), "models"), "*.safetensors");
        string[] first = ["fashion-mnist-a", "fashion-mnist-e", "fashion-mnist-gan", "mnist-a", "mnist-e", "mnist-gan"];
        string[] others =
        [
            "fashion-mnist-advgan",
            "fashion-mnist-magnet",
            "fashion-mnist-puvae",
            "mnist-advgan",
            "mnist-distilled",
            "mnist-madry",
            "mnist-magnet",
            "mnist-puvae",
            "mnist-teacher",
        ];
        Assert.Equal(
            first.Concat(others).Order(StringComparer.Ordinal),
            files.Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal)
        );
        Assert.True(
            files
                .Where(file => first.Contains(Path.GetFileNameWithoutExtension(file)))
                .Sum(file => new FileInfo(file).Length) < 25_000_000
        );
        Assert.True(files.Sum(file => new FileInfo(file).Length) < 60_000_000);
        foreach (string file in files)
        {
            var description = ModelFile.Describe(file);
            Assert.StartsWith("parry train ", description.Command, StringComparison.Ordinal);
            Assert.NotNull(description.Seed);
        }
    }

    internal static string Root() => RootOf();

    private static string RootOf([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../.."));

    private static IEnumerable<string> Sources() =>
        Directory
            .EnumerateFiles(Path.Combine(Root(), "src"), "*.cs", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Path.Combine(Root(), "tests"), "*.cs", SearchOption.AllDirectories));
}
