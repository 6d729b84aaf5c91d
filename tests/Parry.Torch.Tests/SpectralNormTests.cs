using Parry.Torch.Nn;

namespace Parry.Torch.Tests;

public class SpectralNormTests : LeakChecked
{
    [Fact]
    public void Passes_in_training_mode_bring_the_largest_singular_value_to_one()
    {
        using var scope = new TensorScope();
        using var random = new Generator(1);
        var inner = new Linear(3, 2, random);
        using var layer = new SpectralNorm(inner, random);
        inner.Weight.CopyInPlace(Tensor.From([3f, 0, 0, 0, 0.5f, 0], 2, 3));
        inner.Bias!.ZeroInPlace();
        Tensor basis = Tensor.From([1f, 0, 0, 0, 1, 0], 2, 3);
        layer.Train(random);
        for (int i = 0; i < 30; i++) layer.Forward(basis);
        layer.Evaluate();
        GradientCheck.Close([1, 0, 0, 0.5 / 3], Array.ConvertAll(layer.Forward(basis).ToArray<float>(), value => (double)value), tolerance: 1e-5);
    }

    [Fact]
    public void A_convolutions_weight_is_a_matrix_of_its_outputs()
    {
        using var scope = new TensorScope();
        using var random = new Generator(2);
        var inner = new Conv2d(2, 4, 3, random, padding: 1);
        using var layer = new SpectralNorm(inner, random);
        inner.Bias!.ZeroInPlace();
        Tensor images = Tensor.Normal([2, 2, 5, 5], random), rows = inner.Weight.Reshape(4, 18);
        layer.Train(random);
        for (int i = 0; i < 300; i++) layer.Forward(images);

        // The largest eigenvalue of the Gram matrix, by its powers.
        Tensor gram = rows.MatMul(rows.Transpose(0, 1)), power = Tensor.Ones([4]);
        for (int i = 0; i < 300; i++) power = gram.MatMul(power).Div(gram.MatMul(power).Norm(2, [0]));
        double largest = Math.Sqrt(power.Mul(gram.MatMul(power)).Sum().ToDouble());
        double[] expected = Array.ConvertAll(inner.Forward(images).Div(largest).ToArray<float>(), value => (double)value);
        GradientCheck.Close(expected, Array.ConvertAll(layer.Forward(images).ToArray<float>(), value => (double)value), tolerance: 1e-4);
    }

    [Fact]
    public void Evaluation_mode_changes_nothing_and_two_passes_can_be_differentiated_together()
    {
        using var scope = new TensorScope();
        using var random = new Generator(3);
        using var layer = new SpectralNorm(new Linear(3, 2, random), random);
        Tensor input = Tensor.Normal([4, 3], random);
        float[] before = layer.Buffers.Single().Value.ToArray<float>();
        layer.Forward(input);
        Assert.Equal(before, layer.Buffers.Single().Value.ToArray<float>());

        layer.RequireGrad();
        layer.Train(random);
        Tensor loss = layer.Forward(input).Sum().Add(layer.Forward(input.Mul(2)).Sum());
        Assert.All(Autograd.Grad([loss], [.. layer.Parameters.Select(p => p.Value)]), Assert.NotNull);
        Assert.NotEqual(before, layer.Buffers.Single().Value.ToArray<float>());
        Assert.Equal("SpectralNorm(Linear(3, 2))", layer.ToString());
    }
}
