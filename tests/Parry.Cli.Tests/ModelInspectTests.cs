using Parry.Torch;
using Parry.Torch.Serialization;

namespace Parry.Cli.Tests;

public sealed class ModelInspectTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Inspects_weights_that_do_not_describe_themselves()
    {
        string file = _folder.File("bare.safetensors");
        using (Tensor weight = Tensor.Zeros([3, 2]), bias = Tensor.Zeros([3]))
        await using (FileStream stream = File.Create(file))
        {
            SafeTensors.Write(stream, new Dictionary<string, Tensor> { ["fc.weight"] = weight, ["fc.bias"] = bias, ["scale"] = bias });
        }

        var contents = (await CommandLine.Run("model", "inspect", file, "--json")).Json();

        Assert.Equal(["fc", "scale"], contents.GetProperty("layers").EnumerateArray().Select(layer => layer.GetProperty("name").GetString()));
        Assert.Equal((9, 3), (contents.GetProperty("layers")[0].GetProperty("parameters").GetInt32(), contents.GetProperty("layers")[1].GetProperty("parameters").GetInt32()));
        Assert.Contains("weight 3x2", (await CommandLine.Run("model", "inspect", file)).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gan", "1,493,520 parameters, 1,489,936 of them trainable", "533,505 parameters, 533,505 of them trainable")]
    [InlineData("dcgan", "856,193 parameters, 855,809 of them trainable", "393,729 parameters, 392,833 of them trainable")]
    [InlineData("wgan", "1,028,673 parameters, 1,028,289 of them trainable", "100,097 parameters, 99,649 of them trainable")]
    public async Task Shows_both_networks_of_a_gan(string name, string generator, string discriminator)
    {
        var shown = await CommandLine.Run("model", "inspect", name);

        Assert.Equal((0, ""), (shown.Code, shown.Error));
        Assert.Contains(generator, shown.Output, StringComparison.Ordinal);
        Assert.Contains(discriminator, shown.Output, StringComparison.Ordinal);
        Assert.Contains("28x28", shown.Output, StringComparison.Ordinal);
        var json = (await CommandLine.Run("model", "inspect", name, "--json")).Json();
        Assert.Equal([1, 1], json.GetProperty("discriminator").GetProperty("layers").EnumerateArray().Last().GetProperty("output").EnumerateArray().Select(size => size.GetInt32()));
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
