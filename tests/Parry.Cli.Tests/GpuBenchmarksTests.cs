using Parry.Cli.Bench;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Tests;

public class GpuBenchmarksTests
{
    [Fact]
    public void Every_row_on_MNIST_is_measured_on_the_images_there_are_beside_its_bound()
    {
        using var scope = NewDisposeScope();
        BenchRow[] rows =
        [
            .. GpuBenchmarks.OnMnist(Linear(1, 28), Images(1, 28), tensor(new long[] { 3, 4 }), rounds: 1),
        ];
        Assert.Equal(["<= 0.5", "<= 9", "<= 9", "<= 0.3", "<= 1.1"], rows.Select(row => row.Bound));
        Assert.All(rows, row => Assert.True(row.Value > 0, row.Name));
        Assert.All(rows, row => Assert.Contains(" 2 images", row.Name, StringComparison.Ordinal));
        Assert.Contains(Devices.HasFastBfloat16 ? "BFloat16" : "Float32", rows[^1].Name, StringComparison.Ordinal);
    }

    [Fact]
    public void AutoAttack_on_CIFAR10_is_measured_beside_its_bound()
    {
        using var scope = NewDisposeScope();
        BenchRow row = GpuBenchmarks.OnCifar10(Linear(3, 32), Images(3, 32), tensor(new long[] { 3, 4 }));
        Assert.Equal("AutoAttack on 2 images of CIFAR-10", row.Name);
        Assert.Equal("<= 16", row.Bound);
        Assert.True(row.Value > 0);
    }

    private static Tensor Images(int channels, int side)
    {
        using Generator random = Devices.Generator(1);
        return rand([2, channels, side, side], generator: random);
    }

    private static ModuleClassifier Linear(int channels, int side)
    {
        using Generator random = Devices.Generator(2);
        var network = nn.Sequential(nn.Flatten(), Layer.Linear(channels * side * side, 10, random));
        return new ModuleClassifier(network, new ImageShape(channels, side, side), 10);
    }
}
