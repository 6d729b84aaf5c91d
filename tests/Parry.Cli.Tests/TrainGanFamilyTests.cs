using Parry.Generative.Gans;
using Parry.Generative.Gans.Style;
using Parry.Models.Files;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class TrainGanFamilyTests(TrainedModels trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Weights => _folder.File("g.safetensors");

    private string Log => _folder.File("g.log.csv");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gan", "gan-generator", 0)]
    [InlineData("lsgan", "dcgan-generator", 0)]
    [InlineData("hinge", "hinge-generator", 0)]
    [InlineData("cgan", "cgan-generator", 10)]
    public async Task Weights_say_what_they_are_and_load_again(string kind, string architecture, int classes)
    {
        var train = await Train(kind, "--iterations", "12");

        Assert.Equal((0, ""), (train.Code, train.Error));
        Assert.Equal(
            [0x89, (byte)'P', (byte)'N', (byte)'G'],
            (await File.ReadAllBytesAsync(_folder.File("g.samples.png")))[..4]
        );
        Assert.Equal(2, (await File.ReadAllLinesAsync(Log)).Length);
        var (generator, description) = GanNetworks.Load(Weights);
        using (generator)
        {
            Assert.Equal(
                (architecture, classes, 12),
                (description.Architecture, description.ClassNames.Count, description.Iterations)
            );
        }

        var inspected = (await CommandLine.Run("model", "inspect", Weights, "--json")).Json();
        Assert.Equal(
            [1, 1, 28, 28],
            inspected
                .GetProperty("layers")
                .EnumerateArray()
                .Last()
                .GetProperty("output")
                .EnumerateArray()
                .Select(size => size.GetInt32())
        );
    }

    [Fact]
    public async Task A_resumed_training_gives_the_same_file_and_log()
    {
        Assert.Equal(0, (await Train("wgan", "--iterations", "20")).Code);
        byte[] straight = await File.ReadAllBytesAsync(Weights);
        string log = await File.ReadAllTextAsync(Log);
        foreach (string file in Directory.GetFiles(_folder.Path))
            File.Delete(file);

        Assert.Equal(0, (await Train("wgan", "--iterations", "10")).Code);
        Assert.Equal(0, (await Train("wgan", "--iterations", "20", "--resume")).Code);
        Assert.Equal(straight, await File.ReadAllBytesAsync(Weights));
        Assert.Equal(log, await File.ReadAllTextAsync(Log));
        (await Train("dcgan", "--iterations", "20", "--resume")).Fails(
            2,
            "checkpoint was made with",
            "Kind = Wgan",
            "Kind = Dcgan"
        );
    }

    [Fact]
    public async Task A_training_that_diverges_stops_and_keeps_what_was_good()
    {
        string checkpoint = _folder.File("g.checkpoint.safetensors");
        Assert.Equal(0, (await Train("gan", "--iterations", "2")).Code);
        File.Delete(Weights);
        using (SafeTensorsFile file = SafeTensors.Read(checkpoint))
        await using (FileStream stream = File.Create(checkpoint + ".new"))
        {
            file.Tensors["discriminator.fc1.weight"].mul_(1e30);
            file.Tensors["discriminator.fc2.weight"].mul_(1e30);
            SafeTensors.Write(stream, file.Tensors, file.Metadata);
        }

        File.Move(checkpoint + ".new", checkpoint, overwrite: true);
        byte[] before = await File.ReadAllBytesAsync(checkpoint);

        (await Train("gan", "--iterations", "5", "--checkpoint-every", "1", "--resume")).Fails(
            1,
            "diverged at iteration 3",
            checkpoint,
            "--learning-rate"
        );
        Assert.Equal(before, await File.ReadAllBytesAsync(checkpoint));
        Assert.False(File.Exists(Weights));
    }

    [Fact]
    public async Task A_judge_counts_the_classes_and_a_collapse_is_said()
    {
        string judge = _folder.File("judge.safetensors");
        Assert.Equal(
            0,
            (
                await CommandLine.Run(
                    "train",
                    "classifier",
                    "--data",
                    "mnist",
                    "--data-dir",
                    trained.Data.Folder,
                    "--net",
                    "e",
                    "--epochs",
                    "1",
                    "--batch",
                    "16",
                    "--out",
                    judge
                )
            ).Code
        );

        var train = await Train("dcgan", "--iterations", "10", "--judge", judge);

        Assert.Equal((0, ""), (train.Code, train.Error));
        Assert.Contains("of 10 classes", train.Output, StringComparison.Ordinal);
        Assert.Contains("warning: the samples show", train.Output, StringComparison.Ordinal);
        Assert.Matches(@"^10,.*,\d+$", (await File.ReadAllLinesAsync(Log))[^1]);
    }

    [Fact]
    public async Task Stylegan_grows_and_shows_mixed_and_truncated_styles()
    {
        var train = await Train("stylegan", "--iterations", "5");

        Assert.Equal((0, ""), (train.Code, train.Error));
        foreach (string sheet in new[] { "g.samples.png", "g.mixing.png", "g.truncation.png" })
            Assert.Equal((byte)'P', (await File.ReadAllBytesAsync(_folder.File(sheet)))[1]);
        var (generator, description) = StyleGenerator.Load(Weights);
        generator.Dispose();
        Assert.Equal(("stylegan-generator", 5), (description.Architecture, description.Iterations));
        (await Train("stylegan", "--iterations", "6", "--resume")).Fails(
            2,
            "checkpoint was made with",
            "Iterations = 5"
        );
    }

    [Fact]
    public async Task Sheets_of_the_named_iterations_are_kept()
    {
        string[] at = ["--samples-at", "0", "3"];
        Assert.Equal(0, (await Train("gan", ["--iterations", "4", .. at])).Code);
        byte[] before = await File.ReadAllBytesAsync(_folder.File("g.samples-0.png"));
        byte[] third = await File.ReadAllBytesAsync(_folder.File("g.samples-3.png"));
        Assert.NotEqual(before, third);
        Assert.Equal(3, Directory.GetFiles(_folder.Path, "*.png").Length);
        (await Train("gan", ["--iterations", "2", "--resume", .. at])).Fails(2, "--samples-at", "2", "3");
    }

    [Fact]
    public async Task Options_of_another_kind_are_refused()
    {
        (await Train("dcgan", "--bfloat16")).Fails(2, "--bfloat16", "dcgan");
        (await Train("stylegan", "--critic-steps", "2")).Fails(2, "--critic-steps", "stylegan");
        (await Train("gan", "--batch", "65")).Fails(2, "64", "65");
    }

    private Task<CommandLine.Outcome> Train(string kind, params string[] options) =>
        CommandLine.Run([
            "train",
            "gan",
            "--kind",
            kind,
            "--data",
            "mnist",
            "--data-dir",
            trained.Data.Folder,
            "--out",
            Weights,
            "--width",
            "4",
            "--threads",
            "1",
            "--latent",
            "8",
            .. options.Contains("--batch") ? Array.Empty<string>() : ["--batch", "8"],
            .. options,
        ]);
}
