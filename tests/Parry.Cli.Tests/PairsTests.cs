using System.Text.Json;

namespace Parry.Cli.Tests;

/// <summary><c>parry pairs</c>.</summary>
[Collection(nameof(TrainedModels))]
public sealed class PairsTests(TrainedModels trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Pairs_are_counted_with_each_classifier_and_shown_with_their_distance_and_answers()
    {
        string[] data = ["--data", "mnist", "--data-dir", trained.Data.Folder];
        string generator = _folder.File("vae.safetensors");
        string other = _folder.File("other.safetensors");
        string[] sizes = ["--latent", "4", "--encoder", "32", "--decoder", "32", "--epochs", "60", "--batch", "16"];
        await Succeeds(["train", "vae", .. data, .. sizes, "--out", generator]);
        await Succeeds(["train", "classifier", .. data, "--net", "e", "--epochs", "1", "--out", other]);
        string[] pairs = ["--count", "12", "--steps", "200", "--within", "8", "--out", _folder.File("pairs")];
        string[] models = ["--trained", other, "--generator", generator];
        await Succeeds(["pairs", .. trained.Subject(), .. models, .. pairs]);

        using JsonDocument report = JsonDocument.Parse(await File.ReadAllTextAsync(_folder.File("pairs/pairs.json")));
        JsonElement[] counts = [.. report.RootElement.GetProperty("classifiers").EnumerateArray()];
        JsonElement[] shown = [.. report.RootElement.GetProperty("pairs").EnumerateArray()];
        Assert.Equal(2, counts.Length);
        Assert.NotEmpty(shown);
        Assert.Equal(shown.Length, counts[0].GetProperty("found").GetInt32());
        Assert.Equal(shown.Length, counts[0].GetProperty("separated").GetInt32());
        Assert.Equal(
            shown.Count(pair => Classes(pair, 1) is var (one, two) && one != two),
            counts[1].GetProperty("separated").GetInt32()
        );
        Assert.All(
            shown,
            pair =>
            {
                Assert.InRange(pair.GetProperty("distance").GetDouble(), 0, 8.0001);
                Assert.True(Classes(pair, 0) is var (one, two) && one != two);
            }
        );
        Assert.True(new FileInfo(_folder.File("pairs/pairs.png")).Length > 0);
        (await CommandLine.Run(["pairs", .. trained.Subject(), .. models, .. pairs])).Fails(2, "--overwrite");
    }

    private static async Task Succeeds(params string[] words)
    {
        CommandLine.Outcome run = await CommandLine.Run(words);
        Assert.Equal((0, ""), (run.Code, run.Error));
    }

    private static (string One, string Two) Classes(JsonElement pair, int classifier)
    {
        JsonElement answers = pair.GetProperty("answers")[classifier];
        return (answers[0].GetProperty("class").GetString()!, answers[1].GetProperty("class").GetString()!);
    }
}
