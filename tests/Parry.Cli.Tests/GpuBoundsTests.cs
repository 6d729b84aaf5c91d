using Parry.Benchmarks;
using Parry.Benchmarks.Bounds;
using Parry.Models;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Tests;

/// <summary>The rows for a GPU run on any device, so that they do not fail only where there is one.</summary>
public class GpuBoundsTests
{
    [Fact]
    public void Every_row_on_MNIST_is_measured_on_the_images_there_are_beside_its_bound()
    {
        using var scope = NewDisposeScope();
        Victim victim = LinearVictim(1, 28);
        Measurement[] rows = [.. GpuBounds.OnMnist(victim, rounds: 1, iterations: 10, projectionSteps: 2)];
        Assert.Equal(["<= 0.5", "<= 9", "<= 9", "<= 0.3", "<= 1.1"], rows.Select(row => row.Bound));
        Assert.All(rows, row => Assert.True(row.Value > 0, row.Name));
        Assert.All(rows, row => Assert.Contains(" 2 images", row.Name, StringComparison.Ordinal));
        Assert.Contains(Devices.HasFastBfloat16 ? "BFloat16" : "Float32", rows[^1].Name, StringComparison.Ordinal);
    }

    [Fact]
    public void AutoAttack_on_CIFAR10_is_measured_beside_its_bound()
    {
        using var scope = NewDisposeScope();
        Measurement row = Assert.Single(GpuBounds.OnCifar10(LinearVictim(3, 32)));
        Assert.Equal(("AutoAttack on 2 images of CIFAR-10", "<= 16"), (row.Name, row.Bound));
        Assert.True(row.Value > 0);
    }

    private static Victim LinearVictim(int channels, int side)
    {
        using Generator random = Devices.Generator(1);
        var network = nn.Sequential(nn.Flatten(), Layer.Linear(channels * side * side, 10, random));
        return new Victim(
            new ModuleClassifier(network, new ImageShape(channels, side, side), 10),
            rand([2, channels, side, side], generator: random),
            tensor(new long[] { 3, 4 })
        );
    }
}
