using Parry.Data;
using Parry.Defenses.Purifiers;
using Parry.Generative.Gans;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Benchmarks.Bounds;

/// <summary>
/// Attacks and Defense-GAN's projection on many images at once. The bounds are for one NVIDIA H200: no slower, and
/// mostly twice as fast, as Python's libraries were on it with PyTorch 2.11 (torchattacks, foolbox,
/// adversarial-library, AutoAttack's own code).
/// </summary>
internal static class GpuBounds
{
    /// <summary>The most images that a row takes.</summary>
    public const int MostImages = 10_000;

    /// <summary>Measures four attacks on MNIST, and the projection with a generator of random weights.</summary>
    /// <param name="victim">A model of MNIST; each row takes the first 10,000, 1,000 or 20 of its images, or all where
    /// there are fewer.</param>
    /// <param name="rounds">How often each is measured, after a first time that does not count; the best is
    /// printed.</param>
    /// <param name="iterations">Steps of each search of Carlini and Wagner's attack; the bound is for 1,000.</param>
    /// <param name="projectionSteps">Steps of the projection; the bound is for 200.</param>
    public static IEnumerable<Measurement> OnMnist(
        Victim victim,
        int rounds = 3,
        int iterations = 1000,
        int projectionSteps = 200
    )
    {
        yield return Attack("PGD-40", "pgd:eps=0.3,steps=40", 10_000, 0.5);
        yield return Attack($"CW-L2 9x{iterations}", $"cw-l2:steps=9,iterations={iterations}", 1000, 9);
        yield return Attack("AutoAttack", "autoattack:eps=0.3", 1000, 9);
        yield return Attack("HopSkipJump, 10 steps", "hsj:steps=10", 20, 0.3);
        yield return Projection(victim.First(1000).Images, projectionSteps, rounds);

        Measurement Attack(string name, string attack, int most, double bound) =>
            Seconds(name, attack, "MNIST", victim.First(most), bound, rounds);
    }

    /// <summary>
    /// Measures AutoAttack on CIFAR-10. The bound was set for a ResNet-20; a deeper network takes longer.
    /// </summary>
    /// <param name="victim">A model of CIFAR-10, of whose images the first 1,000 are taken.</param>
    public static IEnumerable<Measurement> OnCifar10(Victim victim) =>
        [Seconds("AutoAttack", "autoattack:eps=8/255", "CIFAR-10", victim.First(1000), 16, rounds: 1)];

    private static Measurement Seconds(
        string name,
        string attack,
        string data,
        Victim victim,
        double bound,
        int rounds
    ) =>
        Measurement.AtMost(
            $"{name} on {victim.Count} images of {data}",
            Stopwatches.Best(() => victim.Run(attack).Dispose(), rounds),
            "seconds",
            bound
        );

    // The weights do not matter for the time: every image takes all the steps.
    private static Measurement Projection(Tensor images, int steps, int rounds)
    {
        int count = (int)images.size(0);
        using Generator random = Devices.Generator(1);
        using var generator = new ImageGenerator(DataSets.Mnist.Shape, random);
        var defense = new DefenseGan(generator)
        {
            Steps = steps,
            Restarts = 10,
            Compute = Devices.HasFastBfloat16 ? ScalarType.BFloat16 : ScalarType.Float32,
        };
        long[] samples = [.. Enumerable.Range(0, count)];
        double seconds = Stopwatches.Best(
            () =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                defense.Purify(images, new SampleRandom(1, samples)).Errors.cpu();
            },
            rounds
        );
        string settings = $"{defense.Compute}, width 64, L {steps}, R {defense.Restarts}";
        string name = $"Defense-GAN in {settings}, {count} images, time of an image";
        return Measurement.AtMost(name, seconds / count * 1000, "milliseconds", 1.1);
    }
}
