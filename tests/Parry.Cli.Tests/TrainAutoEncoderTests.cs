using Parry.Models.Files;

namespace Parry.Cli.Tests;

/// <summary>The trainings of auto-encoders, and what they make in an evaluation.</summary>
[Collection(nameof(TrainedModels))]
public sealed class TrainAutoEncoderTests(TrainedModels trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Weights => _folder.File("weights.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_dense_auto_encoder_of_the_given_sizes_is_trained_and_described()
    {
        Assert.Equal(
            0,
            (
                await Train(
                    "vae",
                    "--conditional",
                    "--latent",
                    "3",
                    "--encoder",
                    "8",
                    "--decoder",
                    "6",
                    "7",
                    "--epochs",
                    "1"
                )
            ).Code
        );
        ModelDescription made = ModelFile.Describe(Weights);
        Assert.Equal(
            ("conditional-vae", "mnist", 3, "encoder=8,decoder=6-7"),
            (made.Architecture, made.Data, made.Latent, made.Settings)
        );
        (await Train("vae", "--encoder", "0")).Fails(2, "--encoder");
    }

    [Fact]
    public async Task PuVae_is_trained_and_stands_in_an_evaluation_with_its_break()
    {
        Assert.Equal(
            0,
            (
                await Train(
                    "puvae",
                    "--source",
                    trained.Classifier,
                    "--width",
                    "2",
                    "--hidden",
                    "8",
                    "--latent",
                    "3",
                    "--epochs",
                    "1"
                )
            ).Code
        );
        await Evaluate("puvae", "label-flip-pull");
        (await Train("puvae", "--source", trained.Generator)).Fails(2, "defense-gan-generator");
    }

    [Fact]
    public async Task MagNet_is_trained_and_stands_in_an_evaluation_with_its_detectors_and_its_break()
    {
        (await Train("magnet", "--false-positives", "0.0001")).Fails(2, "less than one of 5000");

        // MagNet leaves 5,000 images to validate: 64 to train on.
        using var data = new SmallMnist(training: 5_064);
        var run = await TrainOn(data, "magnet", "--classifier", trained.Classifier, "--epochs", "1", "--members", "2");
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("rate=0.001,jsd-rate=0.01,l2=", ModelFile.Describe(Weights).Settings, StringComparison.Ordinal);
        await Evaluate("magnet", "cw-l2 past the detectors");
    }

    [Fact]
    public async Task DefenseVae_is_trained_on_attacks_and_stands_in_an_evaluation()
    {
        var run = await Train(
            "defense-vae",
            "--model",
            trained.Classifier,
            "--count",
            "12",
            "--width",
            "2",
            "--latent",
            "3",
            "--cw-iterations",
            "2",
            "--epochs",
            "1"
        );
        Assert.True(run.Code == 0, run.Error);
        await Evaluate("defense-vae", "fgsm");
    }

    [Fact]
    public async Task A_diffusion_network_is_trained_and_stands_in_an_evaluation()
    {
        var run = await Train("diffusion", "--width", "8", "--epochs", "1");
        Assert.True(run.Code == 0, run.Error);
        Assert.Equal(
            ("diffusion-unet", 8),
            (ModelFile.Describe(Weights).Architecture, ModelFile.Describe(Weights).Width)
        );
        await Evaluate("diffusion:steps=2", "fgsm");
        (await Train("diffusion", "--width", "12")).Fails(2, "multiple of 8");
    }

    [Fact]
    public async Task An_auto_encoder_spans_what_is_inverted_and_its_breaks_run()
    {
        Assert.Equal(
            0,
            (await Train("vae", "--latent", "2", "--encoder", "4", "--decoder", "4", "--epochs", "1")).Code
        );
        await Evaluate("invert-and-classify:l=3,r=2,reject=20", "overpowered", "generator");
    }

    private Task<CommandLine.Outcome> Train(string kind, params string[] options) =>
        TrainOn(trained.Data, kind, options);

    private Task<CommandLine.Outcome> TrainOn(SmallMnist data, string kind, params string[] options) =>
        CommandLine.Run(["train", kind, "--data", "mnist", "--data-dir", data.Folder, "--out", Weights, .. options]);

    private async Task Evaluate(string defense, string told, string weights = "weights")
    {
        var run = await CommandLine.Run([
            "evaluate",
            .. trained.Subject(),
            "--attacks",
            "fgsm:eps=0.1",
            "--defenses",
            $"{defense}{(defense.Contains(':', StringComparison.Ordinal) ? ',' : ':')}{weights}={Weights}",
            "--count",
            "2",
            "--out",
            _folder.Path,
        ]);
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains(told, await File.ReadAllTextAsync(_folder.File("report.json")), StringComparison.Ordinal);
    }
}
