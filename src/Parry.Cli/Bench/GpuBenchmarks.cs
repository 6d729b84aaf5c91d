using Parry.Attacks;
using Parry.Attacks.DecisionBased;
using Parry.Attacks.WhiteBox;
using Parry.Data;
using Parry.Defenses.Purifiers;
using Parry.Generative.Gans;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Bench;

/// <summary>
/// Attacks and Defense-GAN's projection on many images at once. The bounds are for one NVIDIA H200: no slower, and
/// mostly twice as fast, as Python's libraries were on it with PyTorch 2.11 (torchattacks, foolbox,
/// adversarial-library, AutoAttack's own code).
/// </summary>
internal static class GpuBenchmarks
{
    private static readonly Row[] s_onMnist =
    [
        new("PGD-40", new ProjectedGradientDescent { Epsilon = 0.3, Steps = 40 }, 10_000, 0.5),
        new("CW-L2 9x1000", new CarliniWagnerL2 { SearchSteps = 9, Iterations = 1000 }, 1000, 9),
        new("AutoAttack", new AutoAttack { Epsilon = 0.3 }, 1000, 9),
        new("HopSkipJump, 10 steps", new HopSkipJump { Steps = 10 }, 20, 0.3),
    ];

    // The bound was set for a ResNet-20; a deeper network takes longer.
    private static readonly Row s_onCifar10 = new("AutoAttack", new AutoAttack { Epsilon = 8 / 255.0 }, 1000, 16);

    /// <summary>Measures four attacks on MNIST, and the projection with a generator of random weights.</summary>
    /// <param name="model">A model of MNIST.</param>
    /// <param name="images">[N, 1, 28, 28] in [0, 1]; each row takes the first 10,000, 1,000 or 20 of them, or all
    /// where there are fewer.</param>
    /// <param name="labels">[N] int64.</param>
    /// <param name="rounds">How often each is measured, after a first time that does not count; the best is
    /// printed.</param>
    public static IEnumerable<BenchRow> OnMnist(IClassifier model, Tensor images, Tensor labels, int rounds = 3)
    {
        const string Command = "parry bench gpu --device cuda --json";
        foreach (Row row in s_onMnist)
            yield return Measure(row, "MNIST", model, images, labels, rounds, Command);
        yield return Projection(images, rounds, Command);
    }

    /// <summary>Measures AutoAttack on CIFAR-10.</summary>
    /// <param name="model">A model of CIFAR-10.</param>
    /// <param name="images">[N, 3, 32, 32] in [0, 1], of which the first 1,000 are taken.</param>
    /// <param name="labels">[N] int64.</param>
    public static BenchRow OnCifar10(IClassifier model, Tensor images, Tensor labels) =>
        Measure(
            s_onCifar10,
            "CIFAR-10",
            model,
            images,
            labels,
            1,
            "parry bench gpu-cifar10 --device cuda --model FILE --json"
        );

    private static BenchRow Measure(
        Row row,
        string data,
        IClassifier model,
        Tensor images,
        Tensor labels,
        int rounds,
        string command
    )
    {
        long count = Math.Min(row.Images, images.size(0));
        using Tensor victims = images.narrow(0, 0, count),
            victimLabels = labels.narrow(0, 0, count);
        double seconds = Stopwatches.Best(
            () => AttackRunner.Run(row.Attack, model, victims, Goal.Untargeted(victimLabels), seed: 1).Dispose(),
            rounds
        );
        return BenchRow.AtMost($"{row.Name} on {count} images of {data}", seconds, "seconds", row.Bound, command);
    }

    // The weights do not matter for the time: every image takes all the steps.
    private static BenchRow Projection(Tensor images, int rounds, string command)
    {
        long count = Math.Min(1000, images.size(0));
        using Tensor some = images.narrow(0, 0, count);
        using Generator random = Devices.Generator(1);
        using var generator = new ImageGenerator(DataSets.Mnist.Shape, random);
        var defense = new DefenseGan(generator)
        {
            Steps = 200,
            Restarts = 10,
            Compute = Devices.HasFastBfloat16 ? ScalarType.BFloat16 : ScalarType.Float32,
        };
        long[] samples = [.. Enumerable.Range(0, (int)count)];
        double seconds = Stopwatches.Best(
            () =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                defense.Purify(some, new SampleRandom(1, samples)).Errors.cpu();
            },
            rounds
        );
        string name = $"Defense-GAN in {defense.Compute}, width 64, L 200, R 10, {count} images, time of an image";
        return BenchRow.AtMost(name, seconds / count * 1000, "milliseconds", 1.1, command);
    }

    /// <summary>A row of the table.</summary>
    /// <param name="Name">What is measured.</param>
    /// <param name="Attack">The attack.</param>
    /// <param name="Images">On how many images.</param>
    /// <param name="Bound">The most seconds that it may take.</param>
    private sealed record Row(string Name, IAttack<IClassifier> Attack, long Images, double Bound);
}
