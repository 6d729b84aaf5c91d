using System.Text.Json;
using Parry.Catalogs;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class AttackTests(TrainedModels trained) : IDisposable
{
    private static readonly string[] s_budgets = ["0.1", "0.3"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_list_has_every_attack_of_the_catalog()
    {
        string table = (await CommandLine.Run("attack", "list")).Output;
        JsonElement[] entries = [.. (await CommandLine.Run("attack", "list", "--json")).Json().EnumerateArray()];
        Assert.Equal(
            AttackCatalog.All.Select(entry => entry.Name),
            entries.Select(entry => entry.GetProperty("name").GetString())
        );
        Assert.All(
            AttackCatalog.All,
            entry =>
                Assert.Matches(
                    $@"(?m)^  {entry.Name} +(labels|scores|gradients) .*(\d{{4}}\.\d{{4,5}}|openreview \S+)$",
                    table
                )
        );
        Assert.Contains(
            "label-flip, which poisons training sets, is a separate verb",
            table.TrimEnd().Split('\n')[^1],
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task One_attack_is_listed_with_all_its_options()
    {
        string table = (await CommandLine.Run("attack", "list", "pgd")).Output;
        Assert.All(
            AttackCatalog.Find("pgd").Options,
            option => Assert.Contains($"  {option.Name} ", table, StringComparison.Ordinal)
        );
        Assert.Contains("least-likely", table, StringComparison.Ordinal);
        (await CommandLine.Run("attack", "list", "pdg")).Fails(2, "did you mean pgd?");
    }

    [Fact]
    public async Task Each_budget_is_a_row_whose_counts_fit_together()
    {
        JsonElement[] rows =
        [
            .. (await Attack("fgsm:eps=0.1,0.3", "--json")).Json().GetProperty("rows").EnumerateArray(),
        ];
        Assert.Equal(s_budgets, rows.Select(row => row.GetProperty("epsilon").GetRawText()));
        foreach (JsonElement row in rows)
        {
            int Number(string name) => row.GetProperty(name).GetInt32();
            Assert.Equal(20, Number("count"));
            Assert.Equal(Number("clean_correct") - Number("succeeded"), Number("robust_correct"));
            Assert.InRange(Number("survive_rounding"), 0, Number("succeeded"));
            Assert.Equal(0.5, row.GetProperty("gradients").GetDouble()); // both budgets share one
        }
    }

    [Fact]
    public async Task Adversarial_images_are_written_with_the_true_and_the_predicted_class_in_their_names()
    {
        JsonElement row = (await Attack("fgsm:eps=0.5", "--json", "--out", _folder.Path)).Json().GetProperty("rows")[0];
        string[] files = Directory.GetFiles(Path.Combine(_folder.Path, "fgsm-0.5"));
        Assert.Equal(row.GetProperty("succeeded").GetInt32(), files.Length);
        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.Matches(@"/\d{5}-(\d)-(?!\1)\d\.png$", file));
    }

    [Fact]
    public async Task A_target_is_reached_or_counted_as_withstood()
    {
        JsonElement row = (await Attack("fgsm:eps=0.5,target=3", "--json", "--out", _folder.Path))
            .Json()
            .GetProperty("rows")[0];
        Assert.EndsWith("target=3", row.GetProperty("attack").GetString(), StringComparison.Ordinal);
        Assert.All(
            Directory.GetFiles(Path.Combine(_folder.Path, "fgsm-0.5")),
            file => Assert.EndsWith("-3.png", file, StringComparison.Ordinal)
        );
        Assert.True(row.GetProperty("attacked").GetInt32() < 20, "the images that are 3 already are attacked");
    }

    [Fact]
    public async Task No_image_costs_more_than_the_limit()
    {
        JsonElement row = (await Attack("pgd:steps=30", "--json", "--max-queries", "7")).Json().GetProperty("rows")[0];
        Assert.Equal(7, row.GetProperty("queries").GetDouble());
    }

    [Theory]
    [InlineData("pgd:target=11", "0 to 9", "target=11")]
    [InlineData("pgd:target=soon", "target", "next, random, least-likely", "\"soon\"")]
    [InlineData("pgd:aim=3", "no option aim", "target")]
    [InlineData("pgd:eps=-1", "eps", "\"-1\"")]
    public async Task A_wrong_option_is_refused(string attack, params string[] words) =>
        (await Attack(attack)).Fails(2, words);

    [Theory]
    [InlineData("0")]
    [InlineData("-3")]
    [InlineData("many")]
    public async Task A_wrong_limit_is_refused(string limit) =>
        (await Attack("fgsm", "--max-queries", limit)).Fails(2, "--max-queries", "above 0");

    private Task<CommandLine.Outcome> Attack(string attack, params string[] options) =>
        CommandLine.Run(["attack", .. trained.Subject(), "--attack", attack, "--count", "20", .. options]);
}
