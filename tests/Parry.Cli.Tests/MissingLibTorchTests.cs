namespace Parry.Cli.Tests;

/// <summary>The program in a folder from which LibTorch cannot be reached: whatever loads it shows.</summary>
public sealed class MissingLibTorchTests : IDisposable
{
    private readonly TemporaryFolder _program = new();

    public MissingLibTorchTests()
    {
        string[] patterns = ["Parry.Cli.*", "*.dll"];
        foreach (string file in patterns.SelectMany(pattern => Directory.GetFiles(CommandLine.ProgramFolder, pattern)))
            File.Copy(file, _program.File(Path.GetFileName(file)), overwrite: true);
    }

    public void Dispose() => _program.Dispose();

    [Theory]
    [InlineData("--help")]
    [InlineData("train gan --help")]
    [InlineData("--version")]
    [InlineData("data list --json")]
    [InlineData("model list --json")]
    public async Task What_does_not_compute_does_not_load_LibTorch(string line)
    {
        var outcome = await Run(line.Split(' '));

        Assert.Equal((0, ""), (outcome.Code, outcome.Error));
    }

    [Fact]
    public async Task Doctor_says_so_and_what_to_do()
    {
        var doctor = await Run("doctor", "--json");

        Assert.Equal(1, doctor.Code);
        Assert.False(doctor.Json().GetProperty("works").GetBoolean());
        var check = doctor
            .Json()
            .GetProperty("checks")
            .EnumerateArray()
            .Single(check => check.GetProperty("name").GetString() == "LibTorch");
        Assert.Equal("missing", check.GetProperty("status").GetString());
        Assert.Contains("PARRY_LIBTORCH", check.GetProperty("advice").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Training_fails_with_one_line_and_code_2() =>
        (await Run("train", "gan", "--data", "mnist", "--out", _program.File("g.safetensors"))).Fails(
            2,
            "LibTorch",
            "PARRY_LIBTORCH"
        );

    private async Task<CommandLine.Outcome> Run(params string[] args)
    {
        using var process = CommandLine.Start(_program.Path, null, args);
        return await process.Wait();
    }
}
