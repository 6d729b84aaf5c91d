using System.Text.Json;
using Parry.Data;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class DataTests(TrainedModels trained)
{
    [Fact]
    public async Task List_says_where_a_set_was_found()
    {
        var list = await CommandLine.Run("data", "list", "--data-dir", trained.Data.Folder, "--json");

        JsonElement mnist = list.Json()
            .GetProperty("data_sets")
            .EnumerateArray()
            .Single(set => set.GetProperty("name").GetString() == "mnist");
        Assert.Equal(0, list.Code);
        Assert.Equal(Path.Combine(trained.Data.Folder, "mnist"), mnist.GetProperty("train").GetString());
        Assert.Contains(
            Path.Combine(trained.Data.Folder, "mnist"),
            (await CommandLine.Run("data", "list", "--data-dir", trained.Data.Folder)).Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Listings_and_help_name_every_data_set_and_nothing_else()
    {
        string[] names = [.. DataSets.All.Select(set => set.Name)];
        string[] downloads = [.. DataSets.All.OfType<DataSet>().Select(set => set.Name)];

        var list = await CommandLine.Run("data", "list", "--json");
        string evaluate = (await CommandLine.Run("evaluate", "--help")).Output;
        string fetch = (await CommandLine.Run("data", "fetch", "--help")).Output;

        Assert.Equal(
            names,
            list.Json().GetProperty("data_sets").EnumerateArray().Select(set => set.GetProperty("name").GetString())
        );
        Assert.All(names, name => Assert.Contains(name, evaluate, StringComparison.Ordinal));
        Assert.All(downloads, name => Assert.Contains(name, fetch, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_fetch_that_no_mirror_answers_fails_with_code_1_and_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        var nowhere = new Dictionary<string, string>
        {
            ["ALL_PROXY"] = "http://127.0.0.1:1",
            ["HTTPS_PROXY"] = "http://127.0.0.1:1",
            ["HTTP_PROXY"] = "http://127.0.0.1:1",
            ["NO_PROXY"] = "",
        };

        using var process = CommandLine.Start(
            CommandLine.ProgramFolder,
            nowhere,
            "data",
            "fetch",
            "mnist",
            "--data-dir",
            folder.Path
        );

        (await process.Wait()).Fails(1, "no mirror", "train-images-idx3-ubyte.gz");
        Assert.Empty(Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_fetch_into_an_unwritable_folder_fails_with_code_2() =>
        (
            await CommandLine.Run("data", "fetch", "mnist", "--data-dir", trained.Data.FileOf("t10k-labels-idx1-ubyte"))
        ).Fails(2, "t10k-labels-idx1-ubyte");
}
