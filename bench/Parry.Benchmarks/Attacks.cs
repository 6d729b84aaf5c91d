using BenchmarkDotNet.Attributes;
using Parry.Data;

namespace Parry.Benchmarks;

/// <summary>
/// Whole attacks on a small network that ships, on 20 test images of Fashion-MNIST, which <c>setup.sh</c> installs.
/// </summary>
public class Attacks
{
    private Victim _victim = null!;

    [GlobalSetup]
    public void SetUp() => _victim = Victim.Open(DataSets.FashionMnist, "fashion-mnist/a", 20);

    [Benchmark]
    public void Pgd_40() => _victim.Run("pgd:eps=0.1,steps=40").Dispose();

    [Benchmark]
    public void Cw_l2_3x100() => _victim.Run("cw-l2:steps=3,iterations=100").Dispose();

    [Benchmark]
    public void Apgd_50() => _victim.Run("apgd:eps=0.1,steps=50").Dispose();

    [Benchmark]
    public void Square_500() => _victim.Run("square:eps=0.1,queries=500").Dispose();

    [Benchmark]
    public void HopSkipJump_3() => _victim.Run("hsj:steps=3").Dispose();
}
