using Parry.Torch.Nn;

namespace Parry.Torch.Tests;

public class InitTests : LeakChecked
{
    [Fact]
    public void The_default_is_PyTorchs_to_the_digit()
    {
        // torch.manual_seed(0); torch.nn.Linear(2, 3), as PyTorch prints it.
        using var random = new Generator(0);
        using var layer = new Linear(2, 3, random);
        Assert.Equal([-0.0053, 0.3793, -0.5820, -0.5204, -0.2723, 0.1896], layer.Weight.ToArray<float>().Select(v => Math.Round(v, 4)));
        Assert.Equal([-0.0140, 0.5607, -0.0628], layer.Bias!.ToArray<float>().Select(v => Math.Round(v, 4)));
    }

    [Fact]
    public void The_default_is_uniform_within_one_over_the_root_of_the_fan_in()
    {
        using var random = new Generator(1);
        using var layer = new Conv2d(8, 64, 5, random);
        Spread(layer.Weight, 1 / Math.Sqrt(8 * 25));
        Spread(layer.Bias!, 1 / Math.Sqrt(8 * 25), sure: false);
    }

    [Fact]
    public void Glorot_uses_both_fans()
    {
        using var random = new Generator(2);
        using var layer = new Linear(128, 4096, random);
        Init.GlorotUniform(layer.Weight, random);
        // tflib writes it as √3 · √(2 / (in + out)).
        Spread(layer.Weight, Math.Sqrt(3) * Math.Sqrt(2.0 / (128 + 4096)));
    }

    [Fact]
    public void Tflib_divides_the_strided_fan_by_the_square_of_the_stride()
    {
        using var random = new Generator(3);
        using var convolution = new Conv2d(64, 128, 5, random, stride: 2);
        Init.TflibUniform(convolution.Weight, 2, random);
        Spread(convolution.Weight, Math.Sqrt(3) * Math.Sqrt(4 / (64 * 25 + 128 * 25 / 4.0)));
        using var transposed = new ConvTranspose2d(256, 128, 5, random, stride: 2);
        Init.TflibUniform(transposed.Weight, 2, random);
        Spread(transposed.Weight, Math.Sqrt(3) * Math.Sqrt(4 / (256 * 25 / 4.0 + 128 * 25)));
    }

    [Fact]
    public void Gaussian_has_its_deviation_and_is_not_recorded()
    {
        using var scope = new TensorScope();
        using var random = new Generator(4);
        using var layer = new Linear(300, 300, random);
        layer.RequireGrad();
        Init.Gaussian(layer.Weight, 0.02, random);
        Assert.InRange(Math.Sqrt(layer.Weight.Pow(2).Mean().ToDouble()), 0.0197, 0.0203);
        Assert.True(layer.Weight.RequiresGrad);
    }

    [Fact]
    public void Unit_norm_gives_each_output_a_weight_vector_of_length_one()
    {
        using var scope = new TensorScope();
        using var random = new Generator(5);
        using var convolution = new Conv2d(3, 7, 5, random);
        using var linear = new Linear(50, 9, random);
        foreach (Tensor weight in new[] { convolution.Weight, linear.Weight })
        {
            Init.UnitNorm(weight, random);
            Assert.All(weight.Flatten().Norm(2, [1]).ToArray<float>(), norm => Assert.Equal(1, norm, 5));
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_layer()
    {
        using Generator one = new(6), other = new(6);
        using Linear a = new(5, 4, one), b = new(5, 4, other), c = new(5, 4, other);
        Assert.Equal(a.Weight.ToArray<float>(), b.Weight.ToArray<float>());
        Assert.NotEqual(a.Weight.ToArray<float>(), c.Weight.ToArray<float>());
    }

    // Uniform within ±bound: the extremes come close to it, and the variance is bound² / 3.
    private static void Spread(Tensor weight, double bound, bool sure = true)
    {
        using var scope = new TensorScope();
        double largest = weight.Abs().Flatten(0).Amax([0]).ToDouble();
        Assert.InRange(largest, sure ? 0.99 * bound : 0.7 * bound, 1.000001 * bound);
        if (sure) Assert.Equal(1.0 / 3, weight.Pow(2).Mean().ToDouble() / (bound * bound), 2);
    }
}
