using Parry.Models;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Models.Onnx;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public sealed class InputContractTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parry-contract-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Blue_comes_first_for_models_of_Caffe_and_the_mean_is_in_the_models_order()
    {
        using var scope = NewDisposeScope();
        Tensor image = tensor([1f, 0.5f, 0f], [1, 3, 1, 1]);
        var contract = new InputContract
        {
            Channels = ChannelOrder.Bgr,
            Range = (0, 255),
            Mean = [104, 117, 123],
        };
        Assert.Equal([-104f, 127.5f - 117, 255f - 123], contract.ToModel(image).ToArray<float>());
        Assert.Equal(
            [0f, 0.5f, 1f],
            (contract with { Range = null, Mean = null, Layout = ImageLayout.Nhwc }).ToModel(image).ToArray<float>()
        );
        Assert.Contains("blue, green, red", contract.Describe(new ImageShape(3, 1, 1), 2), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("channels", "bgr", ChannelOrder.Bgr)]
    [InlineData("channels", "RGB", ChannelOrder.Rgb)]
    [InlineData("Image.BitmapPixelFormat", "Bgr8", ChannelOrder.Bgr)]
    [InlineData("channels", "hsv", null)]
    public void The_order_is_read_from_a_files_metadata(string key, string value, ChannelOrder? order) =>
        Assert.Equal(order, InputContract.FromMetadata(new Dictionary<string, string> { [key] = value }).Channels);

    [Fact]
    public void Gray_images_have_no_order() =>
        TestData.AssertRefused(
            "needs 3",
            () =>
            {
                new InputContract { Channels = ChannelOrder.Bgr }.CheckChannels(1);
                return 0;
            }
        );

    [Fact]
    public void Gradients_come_back_in_red_green_blue()
    {
        // The second class's score is twice the first channel that the model sees.
        new OnnxBuilder()
            .Input("image", -1, 3, 1, 1)
            .Output("scores", -1, 2)
            .Floats("w", [0, 2, 0, 0, 0, 0], 3, 2)
            .Node("Flatten", ["image"], ["flat"])
            .Node("MatMul", ["flat", "w"], ["scores"])
            .Save(_folder);
        var contract = new InputContract { Channels = ChannelOrder.Bgr };
        using OpenedModel opened = ModelCatalog.Open(Path.Combine(_folder, "model.onnx"), contract);
        var model = (IClassifier)opened.Model;
        using var scope = NewDisposeScope();
        Tensor image = tensor([0.1f, 0.2f, 0.3f], [1, 3, 1, 1]);

        LossGradient found = model.Gradient(Images.Of(image), logits => logits.select(1, 1));

        Assert.Equal([0f, 0.6f], found.Logits.ToArray<float>(), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal([0f, 0f, 2f], found.Gradient.ToArray<float>(), (a, b) => Math.Abs(a - b) < 1e-6);
    }
}
