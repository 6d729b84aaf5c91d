using BenchmarkDotNet.Attributes;
using Parry.Data;
using Parry.Generative.Gans;
using static TorchSharp.torch;

namespace Parry.Benchmarks;

/// <summary>
/// What a step costs: of attacks on 100 Fashion-MNIST images on all workers, of a generator's training, and of
/// Defense-GAN's projection.
/// </summary>
public class Steps : IDisposable
{
    // So many that what a run does before its first step and after its last one counts little.
    private const int InARun = 20;

    private Victim _victim = null!;
    private WganGpTrainer _trainer = null!;
    private ProjectionStep _projection = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _victim = Victim.Open(DataSets.FashionMnist, "fashion-mnist/a", 100);
        Tensor bytes = (_victim.Images * 255).to(ScalarType.Byte);
        _trainer = new WganGpTrainer(new WganGp { BatchSize = 50 }, bytes);
        _projection = new ProjectionStep(ScalarType.Float32, batch: 100);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _projection.Dispose();
        _trainer.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(OperationsPerInvoke = InARun)]
    public void Pgd() => _victim.Run($"pgd:steps={InARun}", everyImage: true).Dispose();

    [Benchmark(OperationsPerInvoke = InARun)]
    public void Cw_l2() => _victim.Run($"cw-l2:steps=1,iterations={InARun}", everyImage: true).Dispose();

    [Benchmark]
    public void Wgan_gp_iteration() => _trainer.Step();

    [Benchmark]
    public void Projection_of_100_latents() => _projection.Run();
}
