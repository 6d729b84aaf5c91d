namespace Parry.Torch.Tests;

public class ConvolutionTests : LeakChecked
{
    [Theory]
    [InlineData(5, 1, 0, 8, 3)]
    [InlineData(5, 1, 2, 8, 3)]
    [InlineData(5, 2, 0, 9, 1)]
    [InlineData(5, 2, 2, 8, 1)]
    [InlineData(5, 1, 0, 8, 6)]
    [InlineData(5, 1, 2, 8, 6)]
    [InlineData(5, 2, 0, 9, 6)]
    [InlineData(5, 2, 2, 8, 6)]
    [InlineData(4, 2, 1, 8, 6)]
    [InlineData(3, 1, 1, 7, 6)]
    public void Its_gradients_are_autograds_and_the_inputs_is_a_transposed_convolution(long kernel, long stride, long padding, long size, long channels)
    {
        using var scope = new TensorScope();
        using var random = new Generator(5);
        Tensor input = GradientCheck.Leaf(random, 2, channels, size, size), weight = GradientCheck.Leaf(random, 4, channels, kernel, kernel);
        Tensor output = input.Conv2d(weight, null, stride, padding);
        Tensor gradient = GradientCheck.Leaf(random, output.Shape).Detach();
        Tensor?[] expected = Autograd.Grad([output], [input, weight], [gradient]);

        Tensor byInput = Convolution.InputGradient(gradient, input, weight, stride, padding);
        GradientCheck.Close(expected[0]!.ToArray<double>(), byInput.ToArray<double>(), "input", 1e-12);
        GradientCheck.Close(expected[1]!.ToArray<double>(), Convolution.WeightGradient(gradient, input, weight, stride, padding).ToArray<double>(), "weight", 1e-12);

        long outputPadding = size - ((output.Size(2) - 1) * stride - 2 * padding + kernel);
        Tensor transposed = gradient.ConvTranspose2d(weight, null, stride, padding, outputPadding);
        GradientCheck.Close(transposed.ToArray<double>(), byInput.ToArray<double>(), "transposed", 1e-12);
    }
}
