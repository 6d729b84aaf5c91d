using Parry.Attacks.Building;
using Parry.Data;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Benchmarks.Bounds;

/// <summary>
/// The costs of Parry's inner loops, each as a ratio to another way of doing the same, taken in one process.
/// </summary>
internal static class SpeedBounds
{
    /// <summary>Measures them all.</summary>
    /// <param name="model">The network of the rows about gradients; null for the shipped <c>mnist/a</c>, which is too
    /// small for the row about threads.</param>
    /// <param name="dataDir">The folder to look for data in first.</param>
    public static IEnumerable<Measurement> Rows(string? model, string? dataDir)
    {
        yield return OperatorCall();
        yield return Projection(ScalarType.Float32);
        yield return Projection(ScalarType.BFloat16);
        Victim victim = Victim.Open(DataSets.Mnist, model ?? "mnist/a", 1000, dataDir);
        yield return model is null
            ? Measurement.Absent(
                "gradients of 1000 MNIST images: threads over workers",
                "give --model the file of the public network mnist-pgd.pt",
                ">= 1.8"
            )
            : WorkersAgainstThreads(victim);
        yield return ProjectedGradientDescentOverhead(victim);
        yield return Memory(victim.First(4));
    }

    // A small addition called from C#.
    private static Measurement OperatorCall()
    {
        const int Calls = 20_000;
        using Tensor one = tensor(new float[] { 1f, 2f, 3f });
        double seconds = Stopwatches.Best(() =>
        {
            for (int i = 0; i < Calls; i++)
                one.add(one).Dispose();
        });
        string name = "operator call from C# (add of 3 numbers)";
        return Measurement.AtMost(name, seconds / Calls * 1e6, "microseconds", 1.5);
    }

    private static Measurement Projection(ScalarType compute)
    {
        string name = $"one projection step in {compute}, width 64, batch 500, one thread";
        if (compute == ScalarType.BFloat16 && !Devices.HasFastBfloat16)
            return Measurement.Absent(name, "this processor emulates bfloat16");
        using var step = new ProjectionStep(compute, 500);
        return new Measurement(name, Stopwatches.Best(step.Run) * 1000, "milliseconds");
    }

    // PGD-40 on all workers over its gradients alone on the same workers.
    private static Measurement ProjectedGradientDescentOverhead(Victim victim)
    {
        const int Steps = 40;
        double ratio = Stopwatches.Ratio(
            () => victim.Run($"pgd:steps={Steps}", everyImage: true).Dispose(),
            () =>
                OnWorkers(
                    victim,
                    part =>
                    {
                        for (int step = 0; step < Steps; step++)
                            Gradient(part);
                    }
                )
        );
        string name = $"PGD-{Steps} over the bare cost of {Steps} forward and input-gradient passes";
        return Measurement.AtMost(name, ratio, "times", 1.10);
    }

    // Passes in one call with LibTorch's own threads on all cores, over the same with one worker per core.
    private static Measurement WorkersAgainstThreads(Victim victim)
    {
        double ratio = Stopwatches.Ratio(
            () =>
            {
                TorchLibrary.SetThreads(Workers.PhysicalCores);
                Gradient(victim);
                TorchLibrary.SetThreads(1);
            },
            () => OnWorkers(victim, Gradient)
        );
        string name =
            $"gradients of {victim.Count} MNIST images: {Workers.PhysicalCores} LibTorch threads over "
            + $"{Workers.Shared.Count} workers";
        return Measurement.AtLeast(name, ratio, "times", 1.8);
    }

    // Growth of the process over 10,000 steps of PGD.
    private static Measurement Memory(Victim victim)
    {
        victim.Run("pgd:steps=500", everyImage: true).Dispose();
        long before = Environment.WorkingSet;
        long live = LiveTensors.Count;
        victim.Run("pgd:steps=10000", everyImage: true).Dispose();
        long leaked = LiveTensors.Count - live;
        double growth = (Environment.WorkingSet - before) / 1048576.0;
        return Measurement.AtMost($"growth over 10,000 PGD steps ({leaked} tensors left)", growth, "MiB", 16);
    }

    private static void Gradient(Victim victim)
    {
        using var scope = NewDisposeScope();
        victim.Model.Gradient(Images.Of(victim.Images), AttackLoss.CrossEntropy(victim.Goal));
    }

    // Cut as the runner of attacks cuts.
    private static void OnWorkers(Victim victim, Action<Victim> work)
    {
        int count = victim.Count;
        Workers.Shared.RunRows(
            count,
            Workers.Shared.EqualShare(count, 128),
            (from, to) =>
            {
                using var scope = NewDisposeScope();
                work(victim.Part(from, to));
            }
        );
    }
}
