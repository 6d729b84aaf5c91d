using System.Text.Json;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class QualityTests(TrainedModels trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_measure_stands_beside_that_of_real_images_and_of_noise()
    {
        var run = await Quality(trained.Generator, "--count", "60", "--out", _folder.Path);

        Assert.Equal(0, run.Code);
        foreach (
            string words in new[]
            {
                "FID",
                "classifier score",
                "precision",
                "recall",
                "density",
                "coverage",
                "nearest training image",
                "closest pair",
                "reconstructed",
                "real images",
                "noise",
                "classes drawn",
            }
        )
            Assert.Contains(words, run.Output, StringComparison.Ordinal);
        Assert.Contains("note: FID from 40 samples is too large", run.Output, StringComparison.Ordinal);
        Assert.All(
            ["neighbors.png", "closest-pairs.png"],
            name => Assert.True(new FileInfo(_folder.File(name)).Length > 200, name)
        );
    }

    [Fact]
    public async Task Real_images_are_better_than_noise_by_every_measure_and_the_same_seed_gives_the_same_numbers()
    {
        JsonElement report = (await Quality(trained.Generator, "--count", "200", "--json")).Json();
        JsonElement[] rows = [.. report.GetProperty("rows").EnumerateArray()];

        Assert.Equal(
            [trained.Generator, "real images", "noise"],
            rows.Select(row => row.GetProperty("source").GetString())
        );
        Assert.Equal(
            (200, 40, 10),
            (
                report.GetProperty("count").GetInt32(),
                report.GetProperty("test_count").GetInt32(),
                rows[0].GetProperty("modes").GetProperty("shares").GetArrayLength()
            )
        );
        double Of(int row, params string[] path) =>
            path.Aggregate(rows[row], (element, name) => element.GetProperty(name)).GetDouble();
        Assert.True(Of(1, "fid") < Of(2, "fid") / 10);
        Assert.True(Of(1, "score", "mean") > Of(2, "score", "mean"));
        Assert.True(Of(1, "neighborhoods", "recall") > Of(2, "neighborhoods", "recall"));
        Assert.True(Of(1, "training_distance") < Of(2, "training_distance"));
        Assert.True(Of(0, "reconstruction_error") > 0);
        Assert.Equal(0, Of(1, "duplicate_share"));
        Assert.Equal(
            report.GetRawText(),
            (await Quality(trained.Generator, "--count", "200", "--json")).Json().GetRawText()
        );
        Assert.NotEqual(
            report.GetRawText(),
            (await Quality(trained.Generator, "--count", "200", "--json", "--seed", "2")).Json().GetRawText()
        );
    }

    [Fact]
    public async Task A_generator_of_the_family_is_measured_without_reconstruction()
    {
        string file = _folder.File("cgan.safetensors");
        Assert.Equal(
            0,
            (
                await CommandLine.Run(
                    "train",
                    "gan",
                    "--kind",
                    "cgan",
                    "--data",
                    "mnist",
                    "--data-dir",
                    trained.Data.Folder,
                    "--width",
                    "4",
                    "--iterations",
                    "1",
                    "--threads",
                    "1",
                    "--out",
                    file
                )
            ).Code
        );
        var report = (await Quality(file, "--count", "20", "--json")).Json();
        Assert.Equal(JsonValueKind.Null, report.GetProperty("rows")[0].GetProperty("reconstruction_error").ValueKind);
        Assert.Contains("not reconstructed", report.GetProperty("notes").GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_measured_is_refused_in_one_line()
    {
        (await Quality(trained.Generator, "--count", "10001")).Fails(2, "10000", "10001");
        (await Quality(trained.Generator, "--count", "19")).Fails(2, "--count", "20");
        (await Quality(trained.Classifier, "--count", "20")).Fails(
            2,
            "classifier-e",
            "defense-gan-generator",
            "dcgan-generator"
        );
        (await Quality("mnist/zz")).Fails(2, "mnist/zz");
        (await CommandLine.Run("quality", "--model", trained.Generator, "--data", "cifar10")).Fails(
            2,
            "1x28x28",
            "3x32x32"
        );
    }

    private Task<CommandLine.Outcome> Quality(string model, params string[] more) =>
        CommandLine.Run([
            "quality",
            .. trained.Subject(model),
            "--features",
            trained.Classifier,
            "--reconstruct",
            "2",
            .. more,
        ]);
}
