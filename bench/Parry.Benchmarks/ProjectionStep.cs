using Parry.Generative;
using Parry.Generative.Gans;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Benchmarks;

/// <summary>
/// One step of Defense-GAN's projection at the paper's width: draws images of MNIST's size, and takes the gradient of
/// their error with respect to the latent vectors.
/// </summary>
internal sealed class ProjectionStep : IDisposable
{
    private readonly ScalarType _compute;
    private readonly ImageGenerator _generator;
    private readonly Tensor _latents;
    private readonly Tensor _target;

    /// <summary>Makes a generator with random weights and a batch of random images to reach.</summary>
    public ProjectionStep(ScalarType compute, int batch)
    {
        using Generator random = Devices.Generator(1);
        _compute = compute;
        _generator = new ImageGenerator(new ImageShape(1, 28, 28), random);
        _latents = randn([batch, _generator.Latent], generator: random);
        _target = rand([batch, 1, 28, 28], generator: random);
    }

    /// <summary>Takes the step.</summary>
    public void Run()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Drawing drawing = _generator.Draw(_latents, _compute);
        drawing.LatentGradient((drawing.Images - _target) * (2.0 / 784)).cpu();
    }

    public void Dispose()
    {
        _generator.Dispose();
        _latents.Dispose();
        _target.Dispose();
    }
}
