namespace Parry.Cli.Tests;

/// <summary><c>parry purify</c>.</summary>
public sealed class PurifyTests : IDisposable
{
    private readonly SmallMnist _data = new();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _data.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Purified_images_are_a_folder_that_a_classifier_learns_from()
    {
        string images = _folder.File("purified");
        CommandLine.Outcome purified = await Purify(images, "--part", "train", "test", "--count", "30");
        Assert.Equal((0, ""), (purified.Code, purified.Error));
        Assert.Contains("60 images purified", purified.Output, StringComparison.Ordinal);
        Assert.Equal(
            30,
            Directory.GetFiles(Path.Combine(images, "train"), "*.png", SearchOption.AllDirectories).Length
        );

        string weights = _folder.File("e.safetensors");
        CommandLine.Outcome trained = await CommandLine.Run([
            "train",
            "classifier",
            "--data",
            images,
            "--net",
            "e",
            "--epochs",
            "1",
            "--out",
            weights,
        ]);
        Assert.Equal(0, trained.Code);
        Assert.Contains("of 30 test images", trained.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_command_goes_on_and_gives_the_same_pictures()
    {
        string whole = _folder.File("whole");
        string resumed = _folder.File("resumed");
        await Purify(whole);
        await Purify(resumed);
        string last = Directory.GetFiles(resumed, "000039.png", SearchOption.AllDirectories).Single();
        byte[] before = await File.ReadAllBytesAsync(last);
        File.Delete(last);

        CommandLine.Outcome again = await Purify(resumed);
        Assert.Equal(0, again.Code);
        Assert.Equal(before, await File.ReadAllBytesAsync(last));
        CommandLine.Outcome finished = await Purify(whole);
        Assert.Contains("40 of them by an earlier run", finished.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_takes_the_images_of_one_command_only()
    {
        string images = _folder.File("purified");
        await Purify(images);
        (await Purify(images, "--seed", "2")).Fails(2, "seed 1", "seed 2", "another folder");
        await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(_folder.File("own")).FullName, "a"), "");
        (await Purify(_folder.File("own"))).Fails(2, "empty", "other files");
    }

    [Theory]
    [InlineData("feature-squeezing", "classifier that it defends")]
    [InlineData("distillation:weights=mnist/distilled", "changes none")]
    [InlineData("nothing", "nothing")]
    public async Task A_defense_that_changes_no_images_is_refused(string defense, string word) =>
        (
            await CommandLine.Run([
                "purify",
                "--data",
                "mnist",
                "--data-dir",
                _data.Folder,
                "--defense",
                defense,
                "--out",
                _folder.File("x"),
            ])
        ).Fails(2, word);

    private Task<CommandLine.Outcome> Purify(string folder, params string[] more) =>
        CommandLine.Run([
            "purify",
            "--data",
            "mnist",
            "--data-dir",
            _data.Folder,
            "--defense",
            "median",
            "--out",
            folder,
            .. more,
        ]);
}
