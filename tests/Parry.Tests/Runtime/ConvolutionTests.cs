using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Runtime;

/// <summary>LibTorch's convolutions, which on some processors are wrong with oneDNN.</summary>
public sealed class ConvolutionTests
{
    [Theory]
    [InlineData(20, 50)]
    [InlineData(3, 8)]
    [InlineData(8, 1)]
    [InlineData(17, 33)]
    public void A_convolution_and_its_gradients_are_those_in_float64(int from, int to)
    {
        TorchLibrary.Load();
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        Tensor images = rand([4, from, 9, 9], generator: random);
        Tensor weights = rand([to, from, 3, 3], generator: random);
        CheckExact(images, weights, stride: 1, padding: 1);
    }

    [Fact]
    public void Convolutions_of_any_size_are_those_in_float64_in_both_layouts()
    {
        TorchLibrary.Load();
        using var generator = new Generator(6);
        var random = new Random(6);
        for (int trial = 0; trial < 60; trial++)
        {
            using var scope = NewDisposeScope();
            int window = random.Next(1, 6);
            int size = random.Next(window, 16);
            Tensor images = rand([random.Next(1, 6), random.Next(1, 40), size, size], generator: generator);
            Tensor weights = rand([random.Next(1, 40), images.size(1), window, window], generator: generator);
            if (random.Next(2) == 0)
                images = ChannelsLast.Of(images);
            CheckExact(images, weights, stride: random.Next(1, 3), padding: random.Next(window));
        }
    }

    private static void CheckExact(Tensor images, Tensor weights, int stride, int padding)
    {
        // What comes after an image in memory must not count.
        for (int size = 64; size < 1 << 16; size *= 2)
            full([size], float.NaN).Dispose();
        Tensor[] got = Convolve(images, weights, stride, padding);
        Tensor[] exact = Convolve(images.to(ScalarType.Float64), weights.to(ScalarType.Float64), stride, padding);
        foreach (var (tensor, expected) in got.Zip(exact))
            Assert.InRange((tensor - expected).abs().max().Item() / expected.abs().max().Item(), 0, 1e-5);
    }

    private static Tensor[] Convolve(Tensor images, Tensor weights, int stride, int padding)
    {
        Tensor input = images.detach().requires_grad_();
        Tensor kernel = weights.detach().requires_grad_();
        Tensor output = nn.functional.conv2d(input, kernel, strides: [stride, stride], padding: [padding, padding]);
        Tensor?[] gradients = Autograd.Grad([output.square().sum()], [input, kernel]);
        return [output.detach(), gradients[0]!, gradients[1]!];
    }
}
