using System.Diagnostics;
using Parry.Tests.Models;
using Spectre.Console;

namespace Parry.Cli.Tests;

/// <summary>What names, labels and files contain never reaches the terminal as a command.</summary>
public sealed class PlainOutputTests : IDisposable
{
    private const string Evil = "\u001b]0;title\u0007\u001b[2Jevil";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_name_in_a_message_is_escaped_and_the_message_is_cut()
    {
        (await CommandLine.Run("model", "inspect", Evil + ".onnx")).Fails(2, "\\x1b]0;title\\x07\\x1b[2Jevil");
        var run = await CommandLine.Run("model", "inspect", new string('x', 3_000_000) + ".onnx");
        run.Fails(2, "xxx…");
        Assert.InRange(run.Error.Length, 100, 1100);
    }

    [Fact]
    public async Task What_a_file_says_is_escaped()
    {
        string file = _folder.File("model.pt");
        TorchScriptFile.Write(file, "return torch.evil(x)".Replace("evil", "\u001b[2J", StringComparison.Ordinal));
        var run = await CommandLine.Run("model", "inspect", file);
        Assert.Equal(2, run.Code);
        Assert.DoesNotContain('\u001b', run.Error);
    }

    [Fact]
    public void Lines_tables_and_notes_are_escaped_and_cut()
    {
        using var writer = new StringWriter();
        var output = new Output(writer);
        output.Line(Evil);
        output.Notes([Evil]);
        Table table = Output.Table("name", Evil);
        table.AddCells(Evil, new string('y', 100_000));
        output.Render(table);
        string text = writer.ToString();

        Assert.DoesNotContain('\u001b', text);
        Assert.DoesNotContain('\u0007', text);
        Assert.Contains("note: \\x1b]0;title\\x07", text, StringComparison.Ordinal);
        Assert.InRange(text.Length, 300, 5000);
    }

    [Fact]
    public async Task Labels_are_escaped_in_reports()
    {
        string names = _folder.File("labels.txt");
        File.WriteAllLines(names, Enumerable.Range(0, 16).Select(i => $"{Evil} {i}"));
        Assert.Equal(16, Parry.Models.Files.ClassNameFile.Read(names).Count);
        string model = _folder.File("model.pt");
        TorchScriptFile.Write(model, "return torch.flatten(x, 1)");
        string picture = _folder.File("a.png");
        File.WriteAllBytes(picture, Parry.Data.Images.Png.Encode(new byte[16], new ImageShape(1, 4, 4)));
        string[] arguments =
        [
            "attack",
            "--model",
            model,
            "--input-size",
            "1x4x4",
            "--labels",
            names,
            "--image",
            picture,
            "--attack",
            "fgsm:eps=0.1",
            "--out",
            _folder.File("out"),
        ];
        var run = await CommandLine.Run(arguments);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("\\x1b", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', run.Output);
        Assert.All(
            Directory.GetFiles(_folder.File("out"), "*.html"),
            page => Assert.DoesNotContain('\u001b', File.ReadAllText(page))
        );
    }

    [Theory]
    [InlineData("model inspect nothing.onnx", 2)]
    [InlineData("--nothing", 2)]
    [InlineData("attack list", 0)]
    public async Task An_error_stream_that_cannot_be_written_changes_no_exit_code(string words, int code)
    {
        if (!File.Exists("/dev/full"))
            return;
        using Process process = Shell($"{words} 2> /dev/full");
        Assert.Equal(code, (await process.Wait()).Code);
    }

    [Fact]
    public async Task Results_that_cannot_be_written_are_a_failure()
    {
        if (!File.Exists("/dev/full"))
            return;
        using Process process = Shell("attack list > /dev/full");
        var run = await process.Wait();
        Assert.Equal(1, run.Code);
        Assert.Contains("parry: ", run.Error, StringComparison.Ordinal);
    }

    private static Process Shell(string words)
    {
        string program = Path.Combine(CommandLine.ProgramFolder, "Parry.Cli.dll");
        string dotnet = Path.GetFileName(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";
        return Process.Start(
            new ProcessStartInfo("/bin/sh", ["-c", $"exec \"{dotnet}\" \"{program}\" {words}"])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
    }
}
