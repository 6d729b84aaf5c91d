using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Cli.Tests;

public sealed class ModelInspectTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Inspects_weights_that_do_not_describe_themselves()
    {
        string file = _folder.File("bare.safetensors");
        using (
            Tensor weight = zeros([3, 2]),
                bias = zeros([3])
        )
        await using (FileStream stream = File.Create(file))
        {
            SafeTensors.Write(
                stream,
                new Dictionary<string, Tensor>
                {
                    ["fc.weight"] = weight,
                    ["fc.bias"] = bias,
                    ["scale"] = bias,
                }
            );
        }

        var contents = (await CommandLine.Run("model", "inspect", file, "--json")).Json();

        Assert.Equal(
            ["fc", "scale"],
            contents.GetProperty("layers").EnumerateArray().Select(layer => layer.GetProperty("name").GetString())
        );
        Assert.Equal(
            (9, 3),
            (
                contents.GetProperty("layers")[0].GetProperty("parameters").GetInt32(),
                contents.GetProperty("layers")[1].GetProperty("parameters").GetInt32()
            )
        );
        Assert.Contains(
            "weight 3x2",
            (await CommandLine.Run("model", "inspect", file)).Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Says_what_weights_from_elsewhere_are_recognized_as()
    {
        string file = _folder.File("lenet.safetensors");
        using (
            Tensor conv1 = zeros([6, 3, 5, 5]),
                bias1 = zeros([6]),
                conv2 = zeros([16, 6, 5, 5]),
                bias2 = zeros([16]),
                fc1 = zeros([20, 400]),
                bias3 = zeros([20]),
                fc2 = zeros([4, 20]),
                bias4 = zeros([4])
        )
        await using (FileStream stream = File.Create(file))
        {
            SafeTensors.Write(
                stream,
                new Dictionary<string, Tensor>
                {
                    ["module.conv1.weight"] = conv1,
                    ["module.conv1.bias"] = bias1,
                    ["module.conv2.weight"] = conv2,
                    ["module.conv2.bias"] = bias2,
                    ["module.fc1.weight"] = fc1,
                    ["module.fc1.bias"] = bias3,
                    ["module.fc2.weight"] = fc2,
                    ["module.fc2.bias"] = bias4,
                },
                new Dictionary<string, string> { ["mean"] = "0.5", ["std"] = "0.25" }
            );
        }

        var contents = (await CommandLine.Run("model", "inspect", file, "--json")).Json();

        Assert.Equal("lenet", contents.GetProperty("recognized").GetString());
        Assert.Equal(
            "images [N, 3, 32, 32], float32 in [0, 1]; minus the mean 0.5; divided by 0.25; gives 4 logits",
            contents.GetProperty("input").GetString()
        );
        Assert.Equal(456 + 2416 + 8020 + 84, contents.GetProperty("parameters").GetInt32());
    }

    [Theory]
    [InlineData(
        "gan",
        "1,493,520 parameters, 1,489,936 of them trainable",
        "533,505 parameters, 533,505 of them trainable"
    )]
    [InlineData(
        "dcgan",
        "856,193 parameters, 855,809 of them trainable",
        "393,729 parameters, 392,833 of them trainable"
    )]
    [InlineData(
        "wgan",
        "1,028,673 parameters, 1,028,289 of them trainable",
        "100,097 parameters, 99,649 of them trainable"
    )]
    public async Task Shows_both_networks_of_a_gan(string name, string generator, string discriminator)
    {
        var shown = await CommandLine.Run("model", "inspect", name);

        Assert.Equal((0, ""), (shown.Code, shown.Error));
        Assert.Contains(generator, shown.Output, StringComparison.Ordinal);
        Assert.Contains(discriminator, shown.Output, StringComparison.Ordinal);
        Assert.Contains("28x28", shown.Output, StringComparison.Ordinal);
        var json = (await CommandLine.Run("model", "inspect", name, "--json")).Json();
        Assert.Equal(
            [1, 1],
            json.GetProperty("discriminator")
                .GetProperty("layers")
                .EnumerateArray()
                .Last()
                .GetProperty("output")
                .EnumerateArray()
                .Select(size => size.GetInt32())
        );
    }

    [Theory]
    [InlineData("broken.safetensors")]
    [InlineData("broken.pt")]
    public async Task Refuses_a_damaged_file(string name)
    {
        await File.WriteAllTextAsync(_folder.File(name), "this is no weight file");

        (await CommandLine.Run("model", "inspect", _folder.File(name))).Fails(2, name);
    }
}
