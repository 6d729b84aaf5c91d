using System.Diagnostics;
using Parry.Data.Images;
using Parry.Models.TorchScript;
using Parry.Tests.Models;

namespace Parry.Cli.Tests;

/// <summary>TorchScript files that end the process which loads them: that process is never the user's.</summary>
public sealed class TorchScriptProbeTests : IDisposable
{
    private static readonly long[] s_sizes = [3, 1, 4, 4];

    private readonly TemporaryFolder _folder = new();

    public TorchScriptProbeTests() => TorchScriptProbe.Program = ParryCommand.OwnProgram;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_crash_is_a_reason_and_the_next_file_is_tried_all_the_same()
    {
        string[] files =
        [
            _folder.File("a.pt"),
            _folder.File("b.pt"),
            _folder.File("c.pt"),
            _folder.File("d.pt"),
            _folder.File("e.pt"),
        ];
        TorchScriptFile.Write(files[0], "return torch.flatten(x, 1)");
        TorchScriptFile.Write(files[1], "return torch.nothing(x)");
        TorchScriptFile.WriteMember(files[2], "Bensor");
        File.WriteAllText(files[3], "no archive");
        TorchScriptFile.Write(files[4], "return torch.mm(x, x)");

        IReadOnlyList<string?> reasons = TorchScriptProbe.Ask(files, s_sizes);

        Assert.Null(reasons[0]);
        Assert.Contains("Unknown builtin op: aten::nothing", reasons[1], StringComparison.Ordinal);
        Assert.Contains("Unknown type name 'Bensor'", reasons[2], StringComparison.Ordinal);
        Assert.Contains("zip archive", reasons[3], StringComparison.Ordinal);
        Assert.Null(reasons[4]);
    }

    [Fact]
    public void A_file_that_computes_without_end_is_given_up()
    {
        string file = _folder.File("endless.pt");
        TorchScriptFile.Write(file, "while True:\n  x = torch.relu(x)\nreturn x");
        TimeSpan limit = TorchScriptProbe.Limit;
        TorchScriptProbe.Limit = TimeSpan.FromSeconds(2);
        try
        {
            Assert.Contains("2 s", TorchScriptProbe.Ask([file], s_sizes)[0], StringComparison.Ordinal);
        }
        finally
        {
            TorchScriptProbe.Limit = limit;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_the_checks_accept_of_changed_archives_crashes_no_memory(bool forge)
    {
        string whole = _folder.File("model.pt");
        TorchScriptFile.Write(whole, "return torch.flatten(x, 1)");
        var random = new Random(5);
        var accepted = new List<string>();
        for (int round = 0; round < 400; round++)
        {
            string path = _folder.File($"{round}.pt");
            if (forge)
                TorchScriptFile.Forge(whole, path, random);
            else
                File.WriteAllBytes(path, TorchScriptFile.Mutated(File.ReadAllBytes(whole), random, round % 5 == 0));
            if (IsAccepted(path))
                accepted.Add(path);
        }

        Assert.NotEmpty(accepted);
        foreach (string? reason in TorchScriptProbe.Ask(accepted, s_sizes))
        {
            Assert.DoesNotContain("ends the process", reason ?? "", StringComparison.Ordinal);
            Assert.DoesNotContain("trying it took", reason ?? "", StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("return torch.nothing(x)", "torch.nothing")]
    [InlineData("return y", "uses y,")]
    [InlineData("return torch.flatten(x, \"a\")", "Arguments for call are not valid")]
    public async Task A_model_that_does_not_compile_is_refused_in_one_line(string forward, string word)
    {
        string file = _folder.File("model.pt");
        TorchScriptFile.Write(file, forward);
        (await CommandLine.Run("model", "inspect", file)).Fails(2, word);
        (await CommandLine.Run("model", "inspect", file, "--input-size", "1x4x4")).Fails(2, word);
    }

    [Fact]
    public async Task A_file_that_was_fine_is_not_tried_again()
    {
        string file = _folder.File("model.pt");
        TorchScriptFile.Write(file, $"y = {Random.Shared.NextInt64()}\nreturn torch.flatten(x, 1)");
        var environment = new Dictionary<string, string> { ["XDG_CACHE_HOME"] = _folder.File("cache") };
        for (int time = 0; time < 2; time++)
        {
            using Process process = CommandLine.Start(
                CommandLine.ProgramFolder,
                environment,
                "model",
                "inspect",
                file,
                "--input-size",
                "1x4x4"
            );
            Assert.Equal(0, (await process.Wait()).Code);
            Assert.Single(Directory.GetFiles(_folder.File("cache/parry/data/torchscript")));
        }
    }

    [Theory]
    [InlineData("attack")]
    [InlineData("certify")]
    public async Task A_pass_that_does_not_end_is_ended_where_a_limit_is_given(string verb)
    {
        // It ends on the images of the first try, and never on more.
        string file = _folder.File("model.pt");
        TorchScriptFile.Write(
            file,
            "while torch.gt(torch.size(x, 0), 4):\n  x = torch.relu(x)\nreturn torch.flatten(x, 1)"
        );
        foreach (int label in Enumerable.Range(0, 16))
        {
            Directory.CreateDirectory(_folder.File($"photos/{label:00}"));
            byte[] picture = Png.Encode(new byte[16], new ImageShape(1, 4, 4));
            File.WriteAllBytes(_folder.File($"photos/{label:00}/a.png"), picture);
        }

        string[] own = verb == "attack" ? ["--attack", "fgsm:eps=0.1"] : ["--sigma", "0.25"];
        using Process process = CommandLine.Start(
            CommandLine.ProgramFolder,
            new Dictionary<string, string> { ["XDG_CACHE_HOME"] = _folder.File("cache") },
            [verb, "--model", file, "--data", _folder.File("photos"), "--timeout", "5", .. own]
        );
        CommandLine.Outcome run = await process.Wait();

        Assert.Equal(1, run.Code);
        Assert.Contains($"one pass of {file} took more than 5 s", run.Error, StringComparison.Ordinal);
    }

    private static bool IsAccepted(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            TorchScriptArchive.Check(file, "");
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return false;
        }
    }
}
