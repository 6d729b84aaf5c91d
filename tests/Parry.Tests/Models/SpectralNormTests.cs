using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using Parry.Tests.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public class SpectralNormTests : LeakChecked
{
    [Fact]
    public void Passes_in_training_mode_bring_the_largest_singular_value_to_one()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        var inner = Layer.Linear(3, 2, random);
        using var layer = new SpectralNorm(inner, random);
        inner.weight.copy_(tensor(new float[] { 3f, 0, 0, 0, 0.5f, 0 }, [2, 3]));
        inner.bias!.zero_();
        Tensor basis = tensor(new float[] { 1f, 0, 0, 0, 1, 0 }, [2, 3]);
        layer.Train(random);
        for (int i = 0; i < 30; i++)
            layer.forward(basis);
        layer.eval();
        GradientCheck.Close(
            [1, 0, 0, 0.5 / 3],
            Array.ConvertAll(layer.forward(basis).ToArray<float>(), value => (double)value),
            tolerance: 1e-5
        );
    }

    [Fact]
    public void A_convolutions_weight_is_a_matrix_of_its_outputs()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2);
        var inner = Layer.Conv2d(2, 4, 3, random, padding: 1);
        using var layer = new SpectralNorm(inner, random);
        inner.bias!.zero_();
        Tensor images = randn([2, 2, 5, 5], generator: random);
        Tensor rows = inner.weight.reshape(4, 18);
        layer.Train(random);
        for (int i = 0; i < 300; i++)
            layer.forward(images);

        // The largest eigenvalue of the Gram matrix, by its powers.
        Tensor gram = rows.mm(rows.transpose(0, 1));
        Tensor power = ones([4]);
        for (int i = 0; i < 300; i++)
            power = gram.mv(power).div(linalg.vector_norm(gram.mv(power), 2, [0]));
        double largest = Math.Sqrt(power.mul(gram.mv(power)).sum().Item());
        double[] expected = Array.ConvertAll(
            inner.forward(images).div(largest).ToArray<float>(),
            value => (double)value
        );
        GradientCheck.Close(
            expected,
            Array.ConvertAll(layer.forward(images).ToArray<float>(), value => (double)value),
            tolerance: 1e-4
        );
    }

    [Fact]
    public void Evaluation_mode_changes_nothing_and_two_passes_can_be_differentiated_together()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        using var layer = new SpectralNorm(Layer.Linear(3, 2, random), random);
        Tensor input = randn([4, 3], generator: random);
        float[] before = layer.Buffers().Single().Value.ToArray<float>();
        layer.forward(input);
        Assert.Equal(before, layer.Buffers().Single().Value.ToArray<float>());

        layer.RequireGrad();
        layer.Train(random);
        Tensor loss = layer.forward(input).sum().add(layer.forward(input.mul(2.0)).sum());
        Assert.All(Autograd.Grad([loss], [.. layer.Parameters().Select(p => p.Value)]), Assert.NotNull);
        Assert.NotEqual(before, layer.Buffers().Single().Value.ToArray<float>());
        Assert.Equal("SpectralNorm(Linear(3, 2))", layer.ToString());
    }
}
