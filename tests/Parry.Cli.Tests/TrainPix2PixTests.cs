using Parry.Generative.Gans;
using Parry.Models;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class TrainPix2PixTests(TrainedModels trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Weights => _folder.File("p.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Draws_images_from_edges_and_says_how_near_they_come()
    {
        var train = await Train("--task", "edges", "--iterations", "10");

        Assert.Equal((0, ""), (train.Code, train.Error));
        Assert.Contains("40 test images: mean absolute difference", train.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await File.ReadAllLinesAsync(_folder.File("p.log.csv"))).Length);
        var (generator, description) = UNet.Load(Weights);
        generator.Dispose();
        Assert.Equal((UNet.Architecture, 4, 10), (description.Architecture, description.Width, description.Iterations));
        Assert.Contains(
            "images [N, 1, H, W]",
            (await CommandLine.Run("model", "inspect", Weights)).Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Cleans_adversarial_images_of_a_model()
    {
        var train = await Train("--task", "adversarial", "--model", trained.Classifier, "--iterations", "2");

        Assert.Equal((0, ""), (train.Code, train.Error));
        Assert.Contains("the classifier gets", train.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_belongs_to_the_adversarial_task()
    {
        (await Train("--task", "adversarial")).Fails(2, "--model", "--task adversarial");
        (await Train("--task", "edges", "--model", trained.Classifier)).Fails(2, "--model", "--task edges");
    }

    private Task<CommandLine.Outcome> Train(params string[] options) =>
        CommandLine.Run([
            "train",
            "pix2pix",
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
            .. options,
        ]);
}
