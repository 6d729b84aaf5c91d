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

        // What comes after an image in memory must not count.
        for (int size = 64; size < 1 << 16; size *= 2)
            full([size], float.NaN).Dispose();
        Tensor[] got = Convolve(images, weights);
        Tensor[] exact = Convolve(images.to(ScalarType.Float64), weights.to(ScalarType.Float64));
        foreach (var (tensor, expected) in got.Zip(exact))
            Assert.InRange((tensor - expected).abs().max().Item() / expected.abs().max().Item(), 0, 1e-5);
    }

    private static Tensor[] Convolve(Tensor images, Tensor weights)
    {
        Tensor input = images.detach().requires_grad_();
        Tensor kernel = weights.detach().requires_grad_();
        Tensor output = nn.functional.conv2d(input, kernel, padding: [1, 1]);
        Tensor?[] gradients = Autograd.Grad([output.square().sum()], [input, kernel]);
        return [output.detach(), gradients[0]!, gradients[1]!];
    }
}
