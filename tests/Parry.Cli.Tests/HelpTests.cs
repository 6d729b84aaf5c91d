using System.CommandLine;
using System.Runtime.CompilerServices;
using Parry.Models;

namespace Parry.Cli.Tests;

/// <summary>
/// The help of every verb, word for word as in the folder Help; <c>PARRY_ACCEPT_HELP=1</c> writes these files anew.
/// </summary>
public class HelpTests
{
    public static TheoryData<string> Verbs { get; } = [.. Walk(ParryCommand.Create(), "")];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Help_is_as_agreed(string verb)
    {
        var help = await CommandLine.Run([.. verb.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);

        // Wrapped lines keep their blanks.
        string text = string.Join('\n', help.Output.Split('\n').Select(line => line.TrimEnd()));
        string expected = Path.Combine(SourceFolder(), "Help", $"parry {verb}".Trim().Replace(' ', '-') + ".txt");
        if (Environment.GetEnvironmentVariable("PARRY_ACCEPT_HELP") == "1")
            await File.WriteAllTextAsync(expected, text);
        Assert.Equal((0, ""), (help.Code, help.Error));
        Assert.Equal(await File.ReadAllTextAsync(expected), text);
    }

    [Fact]
    public async Task No_words_at_all_ask_for_help() =>
        Assert.Equal(await CommandLine.Run("--help"), await CommandLine.Run());

    [Fact]
    public async Task The_model_option_names_every_format()
    {
        string help = string.Join(
            ' ',
            (await CommandLine.Run("attack", "--help")).Output.Split(
                (char[]?)null,
                StringSplitOptions.RemoveEmptyEntries
            )
        );
        Assert.All(ModelCatalog.Formats, format => Assert.Contains(format.Example, help, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Help_goes_before_what_is_missing_or_wrong() =>
        Assert.Equal(0, (await CommandLine.Run("train", "gan", "--seed", "x", "--help")).Code);

    [Fact]
    public async Task Version_is_one_line() =>
        Assert.Matches(@"\Aparry \d+\.\d+\.\d+\n\z", (await CommandLine.Run("--version")).Output);

    private static IEnumerable<string> Walk(Command command, string path) =>
        command.Subcommands.SelectMany(verb => Walk(verb, $"{path} {verb.Name}".Trim())).Prepend(path);

    private static string SourceFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
