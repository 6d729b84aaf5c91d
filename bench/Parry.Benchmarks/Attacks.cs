using BenchmarkDotNet.Attributes;
using Parry.Data;

namespace Parry.Benchmarks;

/// <summary>
/// Whole attacks on a small network that ships, on 20 test images of Fashion-MNIST, which <c>setup.sh</c> installs.
/// </summary>
public class Attacks
{
    private Victim _victim = null!;

    [Params(
        "pgd:eps=0.1,steps=40",
        "cw-l2:steps=3,iterations=100",
        "apgd:eps=0.1,steps=50",
        "square:eps=0.1,queries=500",
        "hsj:steps=3"
    )]
    public string Attack { get; set; } = "";

    [GlobalSetup]
    public void SetUp() => _victim = Victim.Open(DataSets.FashionMnist, "fashion-mnist/a", 20);

    [Benchmark]
    public void Run() => _victim.Run(Attack).Dispose();
}
