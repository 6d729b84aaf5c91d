using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Parry.Benchmarks.Bounds;
using Parry.Data;
using static TorchSharp.torch;

namespace Parry.Cli.Tests;

/// <summary>The README's commands are command lines that parse, and its C# example is code of this project.</summary>
public sealed partial class ReadMeTests
{
    [Fact]
    public void Every_command_of_the_documents_parses()
    {
        AssertParse(Commands(), ParryCommand.Create());
        AssertParse(Benchmarks(), BoundsCommand.Create());
    }

    [Fact]
    public void The_example_is_the_one_that_runs_here()
    {
        string source = WithoutSpace(File.ReadAllText(Path.Combine(Root(), "tests/Parry.Cli.Tests/ReadMeExample.cs")));
        IEnumerable<string> paragraphs = Example()
            .Matches(ReadMe())
            .SelectMany(match => match.Groups[1].Value.Split("\n\n"));
        string[] statements =
        [
            .. paragraphs.Where(paragraph => !paragraph.StartsWith("using Parry", StringComparison.Ordinal)),
        ];
        Assert.NotEmpty(statements);
        Assert.All(statements, statement => Assert.Contains(WithoutSpace(statement), source, StringComparison.Ordinal));
    }

    [FactWithFashionMnist]
    public void The_example_fools_the_shipped_model()
    {
        using var output = new StringWriter();
        ReadMeExample.Run(output);
        Match counts = Regex.Match(output.ToString(), @"(\d+) of (\d+) images fool the model");
        Assert.True(counts.Success, output.ToString());
        Assert.InRange(int.Parse(counts.Groups[2].Value), 80, 100);
        Assert.True(int.Parse(counts.Groups[1].Value) > int.Parse(counts.Groups[2].Value) / 2, output.ToString());
    }

    [Fact]
    public void The_example_with_a_module_of_ones_own_fools_it()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using var network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10));
        Tensor images = rand([20, 1, 28, 28], generator: random);
        Tensor labels = network.call(images).argmax(1);
        Assert.InRange(ReadMeExample.Fooled(network, images, labels), 1, 20);
    }

    private static void AssertParse(Regex commands, Command program)
    {
        string[] found =
        [
            .. Documents().SelectMany(text => commands.Matches(text)).Select(match => match.Groups[1].Value.Trim()),
        ];
        Assert.True(found.Length >= 6);
        foreach (string command in found)
        {
            ParseResult parsed = program.Parse(command);
            Assert.True(parsed.Errors.Count == 0, $"{command}: {string.Join(' ', parsed.Errors)}");
        }
    }

    private static IEnumerable<string> Documents() =>
        Directory
            .GetFiles(Path.Combine(Root(), "docs"), "*.md")
            .Append(Path.Combine(Root(), "README.md"))
            .Select(File.ReadAllText);

    private static string WithoutSpace(string text) => Regex.Replace(text, @"\s", "");

    private static string ReadMe() => File.ReadAllText(Path.Combine(Root(), "README.md"));

    internal static string Root([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../.."));

    [GeneratedRegex(@"(?:^\s*|`)(?:\./)?parry ([a-z][^\n`]*)(?:`|$)", RegexOptions.Multiline)]
    private static partial Regex Commands();

    // Its other words are BenchmarkDotNet's.
    [GeneratedRegex(@"bench/run ((?:bounds|gpu)[^\n`]*)(?:`|$)", RegexOptions.Multiline)]
    private static partial Regex Benchmarks();

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();

    private sealed class FactWithFashionMnistAttribute : FactAttribute
    {
        public FactWithFashionMnistAttribute()
        {
            try
            {
                DataLocator.Find(DataSets.FashionMnist, DataPart.Test, dataDir: null);
            }
            catch (UserErrorException e)
            {
                Skip = e.Message;
            }
        }
    }
}
