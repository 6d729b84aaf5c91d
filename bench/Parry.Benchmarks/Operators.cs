using BenchmarkDotNet.Attributes;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Benchmarks;

/// <summary>What single operators cost on one thread: a call, a convolution, random numbers.</summary>
public class Operators
{
    private const int Images = 100;
    private readonly long[] _samples = [.. Enumerable.Range(0, Images)];
    private Tensor _small = null!;
    private Tensor _images = null!;
    private Tensor _differentiable = null!;
    private Tensor _filters = null!;

    [GlobalSetup]
    public void SetUp()
    {
        TorchLibrary.Load();
        using Generator random = Devices.Generator(1);
        _small = tensor(new float[] { 1f, 2f, 3f });
        _images = rand([Images, 16, 28, 28], generator: random);
        _differentiable = _images.clone().requires_grad_();
        _filters = randn([32, 16, 3, 3], generator: random);
    }

    [Benchmark]
    public void Add_3_numbers() => _small.add(_small).Dispose();

    [Benchmark]
    public void Convolution_of_100_images() => nn.functional.conv2d(_images, _filters).Dispose();

    [Benchmark]
    public void Convolution_with_input_gradient()
    {
        using var scope = NewDisposeScope();
        Autograd.Grad(nn.functional.conv2d(_differentiable, _filters).sum(), _differentiable);
    }

    [Benchmark]
    public void Normal_numbers_for_100_images() => new SampleRandom(1, _samples).Normal(0, 1, 28, 28).Dispose();

    [Benchmark]
    public void Random_signs_for_100_images() => new SampleRandom(1, _samples).Signs(0, 1, 28, 28).Dispose();
}
