using System.Text.Json;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class VerifyTests(TrainedModels trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Images_of_an_attack_are_successes_within_its_budget()
    {
        string images = await Attacked();
        var run = await Verify(images, "--eps", "0.3", "--json");
        Assert.Equal(0, run.Code);
        JsonElement report = run.Json();
        int count = Directory.GetFiles(images, "*.png").Length;
        Assert.Equal(count, report.GetProperty("count").GetInt32());
        Assert.Equal(count, report.GetProperty("survive_rounding").GetInt32());
        Assert.Equal(0, report.GetProperty("over_budget").GetInt32());
        Assert.Equal(count, report.GetProperty("images").GetArrayLength());
    }

    [Fact]
    public async Task Of_the_files_of_a_lossless_attack_the_exact_ones_count()
    {
        string images = await Attacked("--lossless");
        var run = await Verify(images, "--eps", "0.3", "--json");
        Assert.Equal(0, run.Code);
        int count = Directory.GetFiles(images, "*.npy").Length;
        Assert.Equal(count, run.Json().GetProperty("count").GetInt32());
        Assert.Contains("the arrays count", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_words_for_a_norm_are_understood()
    {
        string images = await Attacked();
        foreach (var (word, norm) in new[] { ("inf", "Linf"), ("linf", "Linf"), ("L_2", "L2"), ("1", "L1") })
        {
            var run = await Verify(images, "--norm", word, "--json");
            Assert.Equal(norm, run.Json().GetProperty("norm").GetString());
        }
    }

    [Fact]
    public async Task Images_over_the_budget_do_not_count_and_end_in_exit_code_1()
    {
        var run = await Verify(await Attacked(), "--eps", "51/255");
        Assert.Equal((1, ""), (run.Code, run.Error));
        Assert.Contains("over linf 0.2 ", run.Output, StringComparison.Ordinal);
        Assert.Contains("Do not count: 0000", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"succeed +0\b", run.Output);
    }

    [Fact]
    public async Task A_defense_answers_in_place_of_the_bare_model()
    {
        var run = await Verify(await Attacked(), "--eps", "0.3", "--defense", "bit-depth:bits=1", "--json");
        Assert.Equal("bit-depth:bits=1", run.Json().GetProperty("defense").GetString());
    }

    [Theory]
    [InlineData("--eps", "much")]
    [InlineData("--norm", "l3")]
    [InlineData("--images", "nowhere")]
    [InlineData("--defense", "shield")]
    public async Task Wrong_input_is_named_in_one_line(string option, string value)
    {
        var run = await Verify(_folder.File("."), option, value);
        Assert.Equal(2, run.Code);
        Assert.Contains(value, run.Error, StringComparison.Ordinal);
    }

    private async Task<string> Attacked(params string[] options)
    {
        string folder = _folder.File("attacked");
        var run = await CommandLine.Run([
            "attack",
            .. Model(),
            "--data",
            "mnist",
            "--attack",
            "pgd:eps=0.3,steps=5",
            "--count",
            "10",
            "--out",
            folder,
            .. options,
        ]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        return Path.Combine(folder, "pgd-0.3");
    }

    private Task<CommandLine.Outcome> Verify(string images, params string[] options) =>
        CommandLine.Run([
            "verify",
            .. Model(),
            "--originals",
            "mnist",
            .. options.Contains("--images") ? Array.Empty<string>() : ["--images", images],
            .. options,
        ]);

    private string[] Model() => ["--model", trained.Classifier, "--data-dir", trained.Data.Folder];
}
