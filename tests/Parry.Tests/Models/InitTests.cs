using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using Parry.Tests.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public class InitTests : LeakChecked
{
    [Fact]
    public void The_default_is_PyTorchs_to_the_digit()
    {
        // torch.manual_seed(0); torch.nn.Linear(2, 3), as PyTorch prints it.
        using var random = new Generator(0);
        using var layer = Layer.Linear(2, 3, random);
        Assert.Equal(
            [-0.0053, 0.3793, -0.5820, -0.5204, -0.2723, 0.1896],
            layer.weight.ToArray<float>().Select(v => Math.Round(v, 4))
        );
        Assert.Equal([-0.0140, 0.5607, -0.0628], layer.bias!.ToArray<float>().Select(v => Math.Round(v, 4)));
    }

    [Fact]
    public void The_default_is_uniform_within_one_over_the_root_of_the_fan_in()
    {
        using var random = new Generator(1);
        using var layer = Layer.Conv2d(8, 64, 5, random);
        Spread(layer.weight, 1 / Math.Sqrt(8 * 25));
        Spread(layer.bias!, 1 / Math.Sqrt(8 * 25), sure: false);
    }

    [Fact]
    public void Glorot_uses_both_fans()
    {
        using var random = new Generator(2);
        using var layer = Layer.Linear(128, 4096, random);
        Init.GlorotUniform(layer.weight, random);
        // tflib writes it as √3 · √(2 / (in + out)).
        Spread(layer.weight, Math.Sqrt(3) * Math.Sqrt(2.0 / (128 + 4096)));
    }

    [Fact]
    public void Tflib_divides_the_strided_fan_by_the_square_of_the_stride()
    {
        using var random = new Generator(3);
        using var convolution = Layer.Conv2d(64, 128, 5, random, stride: 2);
        Init.TflibUniform(convolution.weight, 2, random);
        Spread(convolution.weight, Math.Sqrt(3) * Math.Sqrt(4 / (64 * 25 + 128 * 25 / 4.0)));
        using var transposed = Layer.ConvTranspose2d(256, 128, 5, random, stride: 2);
        Init.TflibUniform(transposed.weight, 2, random);
        Spread(transposed.weight, Math.Sqrt(3) * Math.Sqrt(4 / (256 * 25 / 4.0 + 128 * 25)));
    }

    [Fact]
    public void Gaussian_has_its_deviation_and_is_not_recorded()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        using var layer = Layer.Linear(300, 300, random);
        layer.RequireGrad();
        Init.Gaussian(layer.weight, 0.02, random);
        Assert.InRange(Math.Sqrt(layer.weight.pow(2.0).mean().Item()), 0.0197, 0.0203);
        Assert.True(layer.weight.requires_grad);
    }

    [Fact]
    public void Unit_norm_gives_each_output_a_weight_vector_of_length_one()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        using var convolution = Layer.Conv2d(3, 7, 5, random);
        using var linear = Layer.Linear(50, 9, random);
        foreach (Tensor weight in new[] { convolution.weight, linear.weight })
        {
            Init.UnitNorm(weight, random);
            Assert.All(
                linalg.vector_norm(weight.flatten(1), 2, [1]).ToArray<float>(),
                norm => Assert.Equal(1, norm, 5)
            );
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_layer()
    {
        using Generator one = new(6);
        using Generator other = new(6);
        using Linear a = Layer.Linear(5, 4, one);
        using Linear b = Layer.Linear(5, 4, other);
        using Linear c = Layer.Linear(5, 4, other);
        Assert.Equal(a.weight.ToArray<float>(), b.weight.ToArray<float>());
        Assert.NotEqual(a.weight.ToArray<float>(), c.weight.ToArray<float>());
    }

    // Uniform within ±bound: the extremes come close to it, and the variance is bound² / 3.
    private static void Spread(Tensor weight, double bound, bool sure = true)
    {
        using var scope = NewDisposeScope();
        double largest = weight.abs().flatten(0).amax([0]).Item();
        Assert.InRange(largest, sure ? 0.99 * bound : 0.7 * bound, 1.000001 * bound);
        if (sure)
            Assert.Equal(1.0 / 3, weight.pow(2.0).mean().Item() / (bound * bound), 2);
    }
}
