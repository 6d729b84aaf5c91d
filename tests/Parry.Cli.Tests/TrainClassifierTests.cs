using Parry.Models.Files;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class TrainClassifierTests(TrainedModels trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Weights => _folder.File("mnist-e.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Training_writes_a_model_that_is_found_by_name_and_says_how_good_it_is()
    {
        var train = await Train("--epochs", "8", "--batch", "16");

        Assert.Equal((0, ""), (train.Code, train.Error));
        Assert.Contains("100.00 % of 40 test images", train.Output, StringComparison.Ordinal);
        Assert.Equal([Weights], Directory.GetFiles(_folder.Path));
        Environment.SetEnvironmentVariable("PARRY_MODELS", _folder.Path);
        try
        {
            var model = (await CommandLine.Run("model", "list", "--json")).Json().GetProperty("models")[0];
            Assert.Equal(
                ("mnist/e", "classifier-e", 1),
                (
                    model.GetProperty("name").GetString(),
                    model.GetProperty("architecture").GetString(),
                    model.GetProperty("test_accuracy").GetDouble()
                )
            );
            Assert.Contains("100.0 %", (await CommandLine.Run("model", "list")).Output, StringComparison.Ordinal);

            var contents = (await CommandLine.Run("model", "inspect", "mnist/e", "--json")).Json();
            Assert.Equal(199_210, contents.GetProperty("parameters").GetInt64());
            Assert.Equal(
                ["flatten", "fc1", "relu-fc1", "fc2", "relu-fc2", "fc3"],
                contents.GetProperty("layers").EnumerateArray().Select(layer => layer.GetProperty("name").GetString())
            );
            Assert.Equal(
                "images [N, 1, 28, 28], float32 in [0, 1]; gives 10 logits",
                contents.GetProperty("input").GetString()
            );
            Assert.Contains(
                "Linear(784, 200)",
                (await CommandLine.Run("model", "inspect", Weights)).Output,
                StringComparison.Ordinal
            );
        }
        finally
        {
            Environment.SetEnvironmentVariable("PARRY_MODELS", null);
        }
    }

    [Fact]
    public async Task A_training_that_was_killed_goes_on()
    {
        string[] options = ["--epochs", "3", "--batch", "16"];
        Assert.Equal(0, (await Train(options)).Code);
        byte[] straight = await File.ReadAllBytesAsync(Weights);
        File.Delete(Weights);

        using var process = CommandLine.Start(CommandLine.ProgramFolder, null, Args(options));
        while (!File.Exists(_folder.File("mnist-e.checkpoint.safetensors")) && !process.HasExited)
            await Task.Delay(1);
        process.Kill();
        await process.WaitForExitAsync();

        Assert.Equal(0, (await Train([.. options, "--resume"])).Code);
        Assert.Equal(straight, await File.ReadAllBytesAsync(Weights));
    }

    [Fact]
    public async Task A_recipe_of_the_field_is_taken()
    {
        string[] recipe = ["--optimizer", "sgd", "--weight-decay", "1e-4", "--milestones", "2,3", "--mirror"];
        var train = await Train([.. recipe, "--crop", "1", "--learning-rate", "0.05", "--epochs", "4"]);
        Assert.Equal((0, ""), (train.Code, train.Error));
    }

    [Fact]
    public async Task Adversarial_and_distilled_classifiers_say_in_their_files_how_they_were_trained()
    {
        string[] quick = ["--epochs", "2", "--batch", "32"];
        string plain = _folder.File("mnist-plain.safetensors");
        string ensemble = _folder.File("mnist-ensemble.safetensors");
        string student = _folder.File("mnist-student.safetensors");
        Assert.Equal(0, (await TrainTo(plain, [.. quick, "--temperature", "100"])).Code);
        var train = await TrainTo(
            ensemble,
            [
                .. quick,
                "--adversarial",
                "fgsm:eps=0.1",
                "--adversarial-share",
                "0.25",
                "--warm-up",
                "1",
                "--sources",
                plain,
            ]
        );
        Assert.Equal((0, ""), (train.Code, train.Error));
        Assert.Equal(0, (await TrainTo(student, [.. quick, "--distill", plain, "--temperature", "100"])).Code);

        Assert.Contains(
            "cross entropy at temperature 100",
            (await CommandLine.Run("model", "inspect", plain)).Output,
            StringComparison.Ordinal
        );
        string inspected = (await CommandLine.Run("model", "inspect", ensemble, "--json"))
            .Json()
            .GetProperty("metadata")
            .GetProperty("parry.training")
            .GetString()!;
        Assert.Equal(
            $"adversarial training with fgsm:eps=0.1, share 0.25, warm-up over 1 epochs, sources itself and {plain}",
            inspected
        );
        Assert.Contains(
            "distillation of",
            (await CommandLine.Run("model", "inspect", student)).Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Recipes_of_adversarial_training_are_taken_with_weight_perturbation()
    {
        string[] recipe = ["--adversarial", "trades:eps=0.1,steps=2,beta=3", "--weight-perturbation", "0.005"];
        var train = await Train(["--epochs", "2", "--batch", "32", .. recipe]);
        Assert.Equal((0, ""), (train.Code, train.Error));
        Assert.Equal(
            "TRADES with beta 3, Linf 0.1, 2 steps, weight perturbation 0.005",
            ModelFile.Describe(Weights).Training
        );
    }

    [Fact]
    public async Task Robust_manifold_training_takes_a_generator_that_draws_such_images()
    {
        string vae = _folder.File("mnist-vae.safetensors");
        Assert.Equal(
            0,
            (
                await CommandLine.Run(
                    "train",
                    "vae",
                    "--data",
                    "mnist",
                    "--data-dir",
                    trained.Data.Folder,
                    "--latent",
                    "2",
                    "--encoder",
                    "4",
                    "--decoder",
                    "4",
                    "--epochs",
                    "1",
                    "--out",
                    vae
                )
            ).Code
        );
        var train = await Train(
            "--epochs",
            "2",
            "--batch",
            "32",
            "--adversarial",
            "pgd:norm=l2,eps=1.5,steps=2",
            "--robust-manifold",
            vae,
            "--pairs-every",
            "1",
            "--pairs-within",
            "2"
        );
        Assert.Equal((0, ""), (train.Code, train.Error));
        Assert.EndsWith(
            $"robust manifold of {vae} every 1 epochs, pairs within 2, weight 0.01",
            ModelFile.Describe(Weights).Training,
            StringComparison.Ordinal
        );

        string[] squared = ["--robust-manifold", vae, "--pairs-loss", "squared", "--pairs-every", "0.5"];
        train = await TrainTo(Path.Combine(_folder.Path, "squared.safetensors"), ["--epochs", "1", .. squared]);
        Assert.Equal((0, ""), (train.Code, train.Error));
        Assert.Equal(
            $"cross entropy, robust manifold of {vae} every 0.5 epochs, pairs within 1.5, "
                + "squared difference, weight 0.5",
            ModelFile.Describe(Path.Combine(_folder.Path, "squared.safetensors")).Training
        );
    }

    [Theory]
    [InlineData("beta to be a number above 0, got 0", "--adversarial", "trades:beta=0")]
    [InlineData("for beta a number of at least 0", "--adversarial", "trades:beta=inf")]
    [InlineData("has no option gamma", "--adversarial", "trades:gamma=1")]
    [InlineData("takes one value", "--adversarial", "mart:eps=0.1,0.2")]
    [InlineData("with an attack only", "--adversarial", "mart", "--adversarial-share", "0.5")]
    [InlineData("with an attack only", "--adversarial", "trades", "--sources", "mnist/a")]
    [InlineData("one of them", "--adversarial", "trades", "--noise", "0.1")]
    [InlineData("weight perturbation from 0 to below 1, got 1", "--weight-perturbation", "1")]
    [InlineData("--adversarial together with", "--warm-up", "1")]
    [InlineData("at most 1", "--robust-manifold", "mnist/gan", "--pairs-loss", "squared", "--pairs-weight", "2")]
    [InlineData("--robust-manifold together with", "--adversarial", "fgsm", "--pairs-every", "2")]
    [InlineData("--robust-manifold together with", "--pairs-loss", "squared")]
    [InlineData("no model file", "--adversarial", "fgsm", "--robust-manifold", "missing.safetensors")]
    [InlineData("one of them", "--adversarial", "fgsm", "--temperature", "10")]
    [InlineData("one of them", "--noise", "0.1", "--distill", "mnist/e")]
    [InlineData("one budget", "--adversarial", "fgsm:eps=0.1,0.2")]
    [InlineData("one budget", "--adversarial", "cw-l2")]
    [InlineData("one budget", "--adversarial", "uap")]
    [InlineData("share", "--adversarial", "fgsm", "--adversarial-share", "2")]
    [InlineData("--optimizer sgd together with", "--momentum", "0.5")]
    [InlineData("momentum from 0 to below 1, got 1", "--optimizer", "sgd", "--momentum", "1")]
    [InlineData("epochs such as 100,150, got 1,x", "--milestones", "1,x")]
    [InlineData("rising numbers of epochs, got 3,2", "--milestones", "3,2")]
    [InlineData("--weight-decay", "--weight-decay", "-1")]
    public async Task Recipes_that_make_no_sense_are_refused(string because, params string[] options)
    {
        var train = await Train(options);
        Assert.Equal(2, train.Code);
        Assert.Contains(because, train.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Weights));
    }

    private Task<CommandLine.Outcome> TrainTo(string file, params string[] options) =>
        CommandLine.Run([
            "train",
            "classifier",
            "--data",
            "mnist",
            "--data-dir",
            trained.Data.Folder,
            "--net",
            "e",
            "--out",
            file,
            .. options,
        ]);

    private Task<CommandLine.Outcome> Train(params string[] options) => CommandLine.Run(Args(options));

    private string[] Args(params string[] options) =>
        [
            "train",
            "classifier",
            "--data",
            "mnist",
            "--data-dir",
            trained.Data.Folder,
            "--net",
            "e",
            "--out",
            Weights,
            .. options,
        ];
}
