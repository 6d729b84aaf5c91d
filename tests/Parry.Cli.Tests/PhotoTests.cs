using System.Text.Json;
using Parry.Data.Images;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class PhotoTests(TrainedModels trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_photo_is_attacked_away_from_the_answer_at_every_budget()
    {
        JsonElement report = (await Attack("fgsm:eps=0.01,0.5", "--image", Photo(3), "--json")).Json();
        JsonElement photo = Assert.Single(report.GetProperty("photos").EnumerateArray());
        Assert.Equal(5, photo.GetProperty("before").GetArrayLength());
        Assert.Equal(
            photo.GetProperty("label").GetInt32(),
            photo.GetProperty("before")[0].GetProperty("class").GetInt32()
        );
        Assert.False(photo.GetProperty("given").GetBoolean());
        JsonElement[] attacks = [.. photo.GetProperty("attacks").EnumerateArray()];
        Assert.Equal([0.01, 0.5], attacks.Select(attack => attack.GetProperty("epsilon").GetDouble()));
        Assert.All(
            attacks,
            attack =>
                Assert.Equal(attack.GetProperty("epsilon").GetDouble(), attack.GetProperty("linf").GetDouble(), 1e-6)
        );
        Assert.True(attacks[1].GetProperty("changed").GetBoolean());
        Assert.Equal(1, report.GetProperty("changed")[1].GetProperty("attacked").GetInt32());
        Assert.Equal(JsonValueKind.Null, report.GetProperty("right").ValueKind);
    }

    [Fact]
    public async Task The_strip_has_the_photo_and_two_pictures_for_each_budget_and_the_page_loads_nothing()
    {
        var run = await Attack("fgsm:eps=0.1,0.3", "--image", Photo(3), Photo(5));
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("of 2 predictions changed", run.Output, StringComparison.Ordinal);
        var (shape, planes) = ImageFile.Read(Path.Combine(_folder.Path, "strip.png"));

        // 28 pixels five times as large.
        Assert.Equal(new ImageShape(1, (2 * 140) + 5, (5 * 140) + (4 * 5)), shape);
        Assert.Equal(BrightnessOf(3), planes[((2 * 3) + 4) * 5 * shape.Width]);
        string page = await File.ReadAllTextAsync(Path.Combine(_folder.Path, "index.html"));
        Assert.Equal(2 * 5, page.Split("data:image/png;base64,").Length - 1);
        Assert.DoesNotContain("://", page, StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_photo_that_is_answered_wrongly_is_not_attacked()
    {
        JsonElement answered = (await Attack("fgsm:eps=0.3", "--image", Photo(3), "--json"))
            .Json()
            .GetProperty("photos")[0];
        int answer = answered.GetProperty("label").GetInt32();
        JsonElement report = (
            await Attack(
                "fgsm:eps=0.3",
                "--image",
                Photo(3),
                Photo(3),
                "--label",
                $"{answer}",
                $"{(answer + 1) % 10}",
                "--json"
            )
        ).Json();
        Assert.Equal(1, report.GetProperty("right").GetInt32());
        Assert.Equal(
            [true, false],
            report
                .GetProperty("photos")
                .EnumerateArray()
                .Select(photo => photo.GetProperty("attacks")[0].GetProperty("attacked").GetBoolean())
        );
        Assert.Contains(
            "not attacked",
            (await Attack("fgsm:eps=0.3", "--image", Photo(3), "--label", $"{(answer + 1) % 10}")).Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Names_of_files_cannot_become_markup()
    {
        string file = _folder.File("<b>&amp;.png");
        File.Copy(Photo(1), file);
        Assert.Equal(0, (await Attack("fgsm:eps=0.3", "--image", file)).Code);
        string page = await File.ReadAllTextAsync(Path.Combine(_folder.Path, "index.html"));
        Assert.DoesNotContain("<b>&amp;.png", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_goes_not_together_is_refused()
    {
        (await Attack("fgsm", "--image", Photo(1), "--data", "mnist")).Fails(2, "--data or --image");
        (await Attack("fgsm")).Fails(2, "--data", "--image");
        (await Attack("fgsm", "--data", "mnist", "--label", "3")).Fails(2, "--label", "--image");
        (await Attack("fgsm", "--image", Photo(1), "--label", "eleven")).Fails(2, "\"eleven\"", "10 classes");
        (await Attack("fgsm", "--image", Photo(1), "--label", "1", "2")).Fails(2, "one for each of 1, got 2");
        (await Attack("fgsm", "--image", _folder.File("none.png"))).Fails(2, "none.png");
        (await Attack("uap", "--image", Photo(1))).Fails(2, "uap", "train");
    }

    private string Photo(int row)
    {
        var pixels = new byte[28 * 28];
        pixels.AsSpan(28 * ((2 * row) + 4), 28).Fill(BrightnessOf(row));
        string path = _folder.File($"row-{row}.png");
        File.WriteAllBytes(path, Png.Encode(pixels, new ImageShape(1, 28, 28)));
        return path;
    }

    private static byte BrightnessOf(int row) => (byte)(200 + row);

    private Task<CommandLine.Outcome> Attack(string attack, params string[] options) =>
        CommandLine.Run([
            "attack",
            "--model",
            trained.Classifier,
            "--attack",
            attack,
            "--out",
            _folder.Path,
            "--overwrite",
            .. options,
        ]);
}
