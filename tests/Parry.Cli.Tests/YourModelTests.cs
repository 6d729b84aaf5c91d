using System.Text.Json;
using Parry.Data.Images;
using Parry.Tests.Models;
using Parry.Tests.Models.Onnx;

namespace Parry.Cli.Tests;

/// <summary>
/// A model that Parry did not make, from its file to a report: an ONNX graph and a script that tell dark pictures from
/// light ones, where black is -1 and white is 1.
/// </summary>
public sealed class YourModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public YourModelTests()
    {
        foreach (var (name, value) in new[] { ("dark", 20), ("light", 230) })
        {
            Directory.CreateDirectory(_folder.File($"photos/{name}"));
            var shape = new ImageShape(1, 12, 20);
            for (int i = 0; i < 3; i++)
                File.WriteAllBytes(
                    _folder.File($"photos/{name}/{i}.png"),
                    Png.Encode([.. Enumerable.Repeat((byte)(value + i), shape.Pixels)], shape)
                );
        }

        new OnnxBuilder()
            .Input("image", -1, 1, 4, 4)
            .Output("scores", -1, 2)
            .Floats("w", [.. Enumerable.Range(0, 32).Select(i => i % 2 == 0 ? -1f : 1f)], 16, 2)
            .Node("Flatten", ["image"], ["flat"])
            .Node("MatMul", ["flat", "w"], ["z"])
            .Node("Softmax", ["z"], ["scores"], ("axis", 1))
            .Save(_folder.Path);
        TorchScriptFile.Write(
            Script,
            "return torch.stack([torch.neg(torch.sum(x, [1, 2, 3])), torch.sum(x, [1, 2, 3])], 1)"
        );
    }

    private string Model => _folder.File("model.onnx");

    private string Script => _folder.File("model.pt");

    private string Photos => _folder.File("photos");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_ONNX_file_is_attacked_with_gradients()
    {
        JsonElement report = (
            await CommandLine.Run(
                "attack",
                "--model",
                Model,
                "--range",
                "-1,1",
                "--data",
                Photos,
                "--attack",
                "pgd:eps=0.6,step=0.1",
                "--json"
            )
        ).Json();

        JsonElement row = report.GetProperty("rows")[0];
        Assert.Equal((6, 6), (row.GetProperty("count").GetInt32(), row.GetProperty("clean_correct").GetInt32()));
        Assert.Equal(6, row.GetProperty("succeeded").GetInt32());
        Assert.DoesNotContain("clean images", report.GetProperty("notes").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_is_fed_wrongly_is_warned_of()
    {
        var run = await CommandLine.Run("attack", "--model", Model, "--data", Photos, "--attack", "fgsm:eps=0.1");

        Assert.Equal(0, run.Code);
        Assert.Contains("only 3 of 6 clean images are classified correctly", run.Output, StringComparison.Ordinal);
        Assert.Contains("--mean, --std, --range", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_evaluated_to_a_report()
    {
        var run = await CommandLine.Run(
            "evaluate",
            "--model",
            Model,
            "--mean",
            "0.5",
            "--std",
            "0.5",
            "--data",
            Photos,
            "--attacks",
            "fgsm:eps=0.6",
            "--defenses",
            "median",
            "--out",
            _folder.File("report")
        );

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("100.0 % (6/6)", run.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(_folder.File("report/index.html")));
    }

    [Fact]
    public async Task A_script_takes_the_size_of_the_pictures_or_the_one_it_is_told()
    {
        JsonElement own = (
            await CommandLine.Run(
                "attack",
                "--model",
                Script,
                "--range",
                "-1,1",
                "--data",
                Photos,
                "--attack",
                "fgsm:eps=0.6",
                "--json"
            )
        ).Json();
        JsonElement told = (
            await CommandLine.Run(
                "attack",
                "--model",
                Script,
                "--range",
                "-1,1",
                "--input-size",
                "1x4x4",
                "--data",
                Photos,
                "--attack",
                "fgsm:eps=0.6",
                "--json"
            )
        ).Json();

        Assert.DoesNotContain("4x4", own.GetProperty("notes").GetRawText(), StringComparison.Ordinal);
        Assert.Contains("4x4", told.GetProperty("notes").GetRawText(), StringComparison.Ordinal);
        foreach (JsonElement report in new[] { own, told })
            Assert.Equal(6, report.GetProperty("rows")[0].GetProperty("clean_correct").GetInt32());
    }

    [Theory]
    [InlineData("return torch.nextafter(y, torch.zeros_like(y))", "'nextafter' is not implemented")]
    [InlineData("return torch.gt(y, 0.5)", "no gradients")]
    [InlineData("z = torch.sigmoid(y)\ntorch.mul_(z, 2.)\nreturn z", "modified by an inplace operation")]
    public async Task A_script_that_cannot_be_differentiated_fails_with_one_line(string end, string word)
    {
        TorchScriptFile.Write(Script, $"y = torch.flatten(x, 1)[:, :2]\n{end}");
        (await CommandLine.Run("attack", "--model", Script, "--data", Photos, "--attack", "fgsm:eps=0.1")).Fails(
            2,
            Script,
            word
        );
    }

    [Fact]
    public async Task A_script_whose_last_sigmoid_rounds_is_warned_of_with_what_helps()
    {
        TorchScriptFile.Write(
            Script,
            "y = torch.slice(torch.flatten(x, 1), 1, 0, 1, 1)\nreturn torch.sigmoid(torch.mul(torch.sub(y, 0.5), 400.))"
        );
        var run = await CommandLine.Run("attack", "--model", Script, "--data", Photos, "--attack", "pgd:eps=0.6");

        Assert.Equal(0, run.Code);
        Assert.Contains("the gradient of the loss is zero", run.Output, StringComparison.Ordinal);
        Assert.Contains("Export the model without it", run.Output, StringComparison.Ordinal);
        Assert.Contains("square", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspection_says_layers_contract_and_attacks()
    {
        var shown = await CommandLine.Run("model", "inspect", Model, "--range", "-1,1");

        Assert.Equal((0, ""), (shown.Code, shown.Error));
        foreach (
            string words in new[]
            {
                "images [N, 1, 4, 4], float32 in [0, 1]; scaled to [-1, 1]; gives 2 logits",
                "gradients, scores and labels",
                "MatMul",
                "w 16x2",
                "32 parameters",
            }
        )
            Assert.Contains(words, shown.Output, StringComparison.Ordinal);
        Assert.Contains(
            "--input-size",
            (await CommandLine.Run("model", "inspect", Script)).Output,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "images [N, 1, 4, 4]",
            (await CommandLine.Run("model", "inspect", Script, "--input-size", "1x4x4")).Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_model_of_blue_green_red_is_attacked_in_its_order()
    {
        new OnnxBuilder()
            .Input("image", -1, 3, 4, 4)
            .Output("scores", -1, 2)
            .Floats("w", [.. Enumerable.Range(0, 96).Select(i => i >= 64 && i % 2 == 1 ? 1f : 0f)], 48, 2)
            .Floats("b", [8, 0], 2)
            .Node("Flatten", ["image"], ["flat"])
            .Node("MatMul", ["flat", "w"], ["z"])
            .Node("Add", ["z", "b"], ["scores"])
            .Save(_folder.Path);
        var shape = new ImageShape(3, 4, 4);
        foreach (var (name, red) in new[] { ("dark", 20), ("light", 230) })
        {
            Directory.CreateDirectory(_folder.File($"colors/{name}"));
            byte[] planes = [.. Enumerable.Range(0, 48).Select(i => (byte)(i < 16 ? red : 250 - red))];
            await File.WriteAllBytesAsync(_folder.File($"colors/{name}/0.png"), Png.Encode(planes, shape));
        }

        async Task<int> Right(params string[] order) =>
            (
                await CommandLine.Run([
                    "attack",
                    "--model",
                    Model,
                    "--data",
                    _folder.File("colors"),
                    "--attack",
                    "fgsm:eps=0.01",
                    "--json",
                    .. order,
                ])
            )
                .Json()
                .GetProperty("rows")[0]
                .GetProperty("clean_correct")
                .GetInt32();

        Assert.Equal((0, 2), (await Right(), await Right("--channels", "bgr")));
        Assert.Contains(
            "channels in the order blue, green, red",
            (await CommandLine.Run("model", "inspect", Model, "--channels", "bgr")).Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_model_of_color_images_takes_mnist()
    {
        using var mnist = new SmallMnist(training: 64);
        TorchScriptFile.Write(Script, "return torch.flatten(x, 1)[:, 784:794]");
        string[] attack = ["attack", "--model", Script, "--data", "mnist", "--data-dir", mnist.Folder];
        string[] size = ["--attack", "fgsm:eps=0.1", "--input-size", "3x28x28"];

        var run = await CommandLine.Run([.. attack, .. size, "--count", "5"]);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("note: mnist: all images were turned from gray to color", run.Output, StringComparison.Ordinal);
        (await CommandLine.Run([.. attack, "--attack", "fgsm", "--input-size", "3x32x32"])).Fails(2, "1x28x28");
    }

    [Fact]
    public async Task A_table_that_counts_from_one_is_read_on_request()
    {
        await File.WriteAllTextAsync(
            _folder.File("labels.csv"),
            "image_path;label\nphotos/dark/0.png;1.0\nphotos/light/0.png;2.0\n"
        );
        Task<CommandLine.Outcome> Attack(params string[] more) =>
            CommandLine.Run([
                "attack",
                "--model",
                Model,
                "--range",
                "-1,1",
                "--data",
                _folder.File("labels.csv"),
                "--attack",
                "fgsm:eps=0.01",
                .. more,
            ]);

        (await Attack()).Fails(2, "count from 1 to 2: give --labels-from 1");
        JsonElement report = (await Attack("--labels-from", "1", "--json")).Json();
        Assert.Equal(2, report.GetProperty("rows")[0].GetProperty("clean_correct").GetInt32());
    }

    [Fact]
    public async Task Names_of_classes_come_from_a_file()
    {
        await File.WriteAllTextAsync(_folder.File("labels.txt"), "light\ndark\n");

        JsonElement report = (
            await CommandLine.Run(
                "attack",
                "--model",
                Model,
                "--range",
                "-1,1",
                "--labels",
                _folder.File("labels.txt"),
                "--data",
                Photos,
                "--attack",
                "fgsm:eps=0.1",
                "--json"
            )
        ).Json();

        // The names are turned around, so the labels are too.
        Assert.Equal(0, report.GetProperty("rows")[0].GetProperty("clean_correct").GetInt32());
    }

    [Theory]
    [InlineData("--input-size", "banana", "CxHxW")]
    [InlineData("--input-size", "2x4x4", "1 or 3 channels")]
    [InlineData("--input-size", "1x5x5", "does not fit")]
    [InlineData("--std", "0", "above 0")]
    [InlineData("--mean", "a,b", "numbers")]
    [InlineData("--mean", "1,2", "one for each channel")]
    [InlineData("--range", "5,1", "smaller first")]
    [InlineData("--labels", "missing.txt", "missing.txt")]
    [InlineData("--background", "1", "at least two classes")]
    [InlineData("--http", "batch=4", "--http")]
    public async Task Contracts_that_make_no_sense_are_refused(string option, string value, string word) =>
        (
            await CommandLine.Run(
                "attack",
                "--model",
                Model,
                option,
                value,
                "--data",
                Photos,
                "--attack",
                "fgsm:eps=0.1"
            )
        ).Fails(2, word);
}
