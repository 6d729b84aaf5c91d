using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Architectures.Layers;

/// <summary>
/// Initializes weights. Shapes are those that layers store: [out, in, …] for linear layers and convolutions, [in, out,
/// …] for transposed convolutions. Autograd does not record this.
/// </summary>
public static class Init
{
    /// <summary>PyTorch's default for every layer with weights: uniform within ±1/√(fan in), the bias too.</summary>
    public static void Default(Tensor weight, Tensor? bias, Generator random)
    {
        double bound = 1 / Math.Sqrt(weight.size(1) * Receptive(weight));
        Uniform(weight, bound, random);
        if (bias is not null)
            Uniform(bias, bound, random);
    }

    /// <summary>Glorot and Bengio (2010): uniform within ±√(6 / (fan in + fan out)).</summary>
    public static void GlorotUniform(Tensor weight, Generator random) =>
        Uniform(weight, Math.Sqrt(6.0 / ((weight.size(0) + weight.size(1)) * Receptive(weight))), random);

    /// <summary>
    /// tflib's convolutions, plain and transposed (the code of WGAN-GP and Defense-GAN): uniform with variance
    /// 4 / (fan in + fan out), where a stride divides one of the fans by its square.
    /// </summary>
    public static void TflibUniform(Tensor weight, long stride, Generator random)
    {
        // The fan to divide is the output's for a convolution and the input's for a transposed one: the first size for
        // both.
        double fans = (weight.size(1) + (double)weight.size(0) / (stride * stride)) * Receptive(weight);
        Uniform(weight, Math.Sqrt(3 * 4 / fans), random);
    }

    /// <summary>He, Zhang, Ren and Sun (2015, 1502.01852): normal with variance 2 / fan in.</summary>
    public static void HeNormal(Tensor weight, Generator random) =>
        Gaussian(weight, Math.Sqrt(2.0 / (weight.size(1) * Receptive(weight))), random);

    /// <summary>Normal with mean 0.</summary>
    public static void Gaussian(Tensor weight, double deviation, Generator random)
    {
        using var frozen = no_grad();
        weight.FillNormal(0, deviation, random);
    }

    /// <summary>
    /// CleverHans: Gaussian, then the weights of each output unit (first dimension) scaled to L2 norm 1. Its biases are
    /// 0.
    /// </summary>
    public static void UnitNorm(Tensor weight, Generator random)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        weight.FillNormal(0, 1, random);
        long[] perUnit = [.. Enumerable.Range(1, weight.shape.Length - 1)];
        Tensor squares = (weight * weight).sum(perUnit, true);
        weight.mul_((squares + 1e-7).pow(-0.5));
    }

    private static void Uniform(Tensor tensor, double bound, Generator random)
    {
        using var frozen = no_grad();
        tensor.FillUniform(-bound, bound, random);
    }

    // The number of positions of a kernel; 1 for a linear layer.
    private static long Receptive(Tensor weight) => weight.numel() / (weight.size(0) * weight.size(1));
}
