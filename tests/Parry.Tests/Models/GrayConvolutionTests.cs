using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using Parry.Tests.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public class GrayConvolutionTests : LeakChecked
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    public void It_gives_what_the_convolution_gives_with_the_same_gradients(int stride, int padding)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        Conv2d plain = Layer.Conv2d(1, 6, 5, random, stride, padding);
        using var gray = new GrayConvolution(plain);
        gray.RequireGrad();
        Tensor images = rand([3, 1, 11, 9], generator: random).requires_grad_();
        Tensor expected = plain.forward(images);
        Tensor made = gray.forward(images);
        Tensor weights = randn(expected.shape, generator: random);
        Close(expected, made);
        Tensor[] leaves = [images, plain.weight, plain.bias!];
        Tensor?[] wanted = Autograd.Grad([expected], leaves, [weights]);
        Tensor?[] found = Autograd.Grad([made], leaves, [weights]);
        for (int i = 0; i < leaves.Length; i++)
            Close(wanted[i]!, found[i]!);
        Assert.Equal(["weight", "bias"], gray.State().Select(entry => entry.Key));
        Assert.Equal(LayerText.Of(plain), gray.ToString());
    }

    [Fact]
    public void Kernels_strides_paddings_and_dilations_may_differ_down_and_right()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        Tensor images = rand([2, 1, 13, 17], generator: random);
        Tensor weight = randn([4, 1, 3, 5], generator: random);
        long[] strides = [2, 1];
        long[] padding = [1, 3];
        long[] dilations = [2, 3];
        Tensor expected = nn.functional.conv2d(images, weight, null, strides, padding, dilations);
        Close(expected, GrayConvolution.Apply(images, weight, null, strides, padding, dilations));
    }

    [Fact]
    public void It_freezes_and_trains_as_other_layers_do()
    {
        using var random = new Generator(2);
        using var gray = new GrayConvolution(Layer.Conv2d(1, 2, 3, random));
        Assert.All(gray.Parameters(), parameter => Assert.False(parameter.Value.requires_grad));
        gray.RequireGrad();
        Assert.All(gray.Parameters(), parameter => Assert.True(parameter.Value.requires_grad));
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().flatten(0).amax([0]).Item(), 0, 1e-4);
    }
}
