using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Runtime;

/// <summary>
/// Numbers of a random generator. TorchSharp's generators draw on the processor only; on a GPU the numbers are copied
/// there, so they are the same on every device.
/// </summary>
public static class RandomNumbers
{
    /// <summary>Uniform numbers in [0, 1), float32 of this shape, on the device in use.</summary>
    public static Tensor Uniform(this Generator random, params long[] shape) =>
        OnDevice(rand(shape, device: CPU, generator: random));

    /// <summary>Standard normal numbers, float32 of this shape, on the device in use.</summary>
    public static Tensor Normal(this Generator random, params long[] shape) =>
        OnDevice(randn(shape, device: CPU, generator: random));

    /// <summary>Fills a tensor with normal numbers.</summary>
    public static void FillNormal(this Tensor tensor, double mean, double deviation, Generator random) =>
        Fill(tensor, numbers => numbers.normal_(mean, deviation, random));

    /// <summary>Fills a tensor with uniform numbers.</summary>
    public static void FillUniform(this Tensor tensor, double low, double high, Generator random) =>
        Fill(tensor, numbers => numbers.uniform_(low, high, random));

    /// <summary>
    /// Fills a tensor with ones, and zeros where chance decides so. On a GPU the numbers are its own, of a seed that
    /// the generator draws: copying as many as dropout takes would cost more than the network.
    /// </summary>
    public static void FillBernoulli(this Tensor tensor, double ones, Generator random)
    {
        if (tensor.device_type == DeviceType.CPU)
        {
            tensor.bernoulli_(ones, random);
            return;
        }

        using Tensor seed = randint(long.MaxValue, [1], ScalarType.Int64, CPU, generator: random);
        cuda.manual_seed(seed.ToArray<long>()[0]);
        tensor.bernoulli_(ones);
    }

    private static Tensor OnDevice(Tensor drawn)
    {
        if (!Devices.IsGpu)
            return drawn;
        using Tensor here = drawn;
        return here.to(get_default_device());
    }

    private static void Fill(Tensor tensor, Action<Tensor> draw)
    {
        if (tensor.device_type == DeviceType.CPU)
        {
            draw(tensor);
            return;
        }

        using Tensor drawn = empty_like(tensor, device: CPU);
        draw(drawn);
        tensor.copy_(drawn);
    }
}
