using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Attacks.WhiteBox;
using Parry.Generative;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Bench;

/// <summary>
/// The costs of Parry's inner loops, each as a ratio to another way of doing the same, taken in one process.
/// </summary>
internal static class SpeedBenchmarks
{
    public const string Command = "parry bench speed --json";

    /// <summary>A small addition called from C#.</summary>
    public static BenchRow OperatorCall()
    {
        const int Calls = 20_000;
        using Tensor one = tensor(new float[] { 1f, 2f, 3f });
        double seconds = Stopwatches.Best(() =>
        {
            for (int i = 0; i < Calls; i++)
                one.add(one).Dispose();
        });
        return BenchRow.AtMost(
            "operator call from C# (add of 3 numbers)",
            seconds / Calls * 1e6,
            "microseconds",
            1.5,
            Command
        );
    }

    /// <summary>One step of Defense-GAN's projection at the paper's size, on one worker.</summary>
    public static BenchRow Projection(ScalarType compute)
    {
        string name = $"one projection step in {compute}, width 64, batch 500, one thread";
        if (compute == ScalarType.BFloat16 && !Devices.HasFastBfloat16)
            return BenchRow.Absent(name, "this processor emulates bfloat16", "", Command);
        using var random = Devices.Generator(1);
        using var generator = new ImageGenerator(new ImageShape(1, 28, 28), random);
        using Tensor latents = randn([500, generator.Latent], generator: random);
        using Tensor target = rand([500, 1, 28, 28], generator: random);
        double seconds = Stopwatches.Best(() =>
        {
            using var frozen = no_grad();
            using var scope = NewDisposeScope();
            Drawing drawing = generator.Draw(latents, compute);
            drawing.LatentGradient((drawing.Images - target) * (2.0 / 784)).cpu();
        });
        return new BenchRow(name, seconds * 1000, "milliseconds", "", null, Command);
    }

    /// <summary>PGD-40 on all workers over its gradients alone on the same workers.</summary>
    public static BenchRow ProjectedGradientDescentOverhead(IClassifier model, Tensor images, Tensor labels)
    {
        const int Steps = 40;
        var attack = new ProjectedGradientDescent { Steps = Steps };
        var everyImage = Enumerable.Repeat(true, (int)images.size(0)).ToArray();
        double ratio = Stopwatches.Ratio(
            () =>
                AttackRunner
                    .Run(attack, model, new AttackRun(images, Goal.Untargeted(labels), 1) { Attacked = everyImage })[0]
                    .Dispose(),
            () =>
                OnWorkers(
                    images,
                    labels,
                    (part, goal) =>
                    {
                        for (int step = 0; step < Steps; step++)
                            Gradient(model, part, goal);
                    }
                )
        );
        return BenchRow.AtMost(
            "PGD-40 over the bare cost of 40 forward and input-gradient passes",
            ratio,
            "times",
            1.10,
            Command
        );
    }

    /// <summary>
    /// Forward and input-gradient passes on one call with LibTorch's own threads on all cores, over the same with one
    /// worker per core.
    /// </summary>
    public static BenchRow WorkersAgainstThreads(IClassifier model, Tensor images, Tensor labels)
    {
        void Whole()
        {
            TorchLibrary.SetThreads(Workers.PhysicalCores);
            Gradient(model, images, Goal.Untargeted(labels));
            TorchLibrary.SetThreads(1);
        }

        double ratio = Stopwatches.Ratio(
            Whole,
            () => OnWorkers(images, labels, (part, goal) => Gradient(model, part, goal))
        );
        string name =
            $"gradients of {images.size(0)} MNIST images: {Workers.PhysicalCores} LibTorch threads over "
            + $"{Workers.Shared.Count} workers";
        return BenchRow.AtLeast(name, ratio, "times", 1.8, Command);
    }

    /// <summary>Growth of the process over 10,000 steps of PGD.</summary>
    public static BenchRow Memory(IClassifier model, Tensor images, Tensor labels)
    {
        using var scope = NewDisposeScope();
        Tensor few = images.slice(0, 0, 4, 1);
        Goal goal = Goal.Untargeted(labels.slice(0, 0, 4, 1));
        var all = Enumerable.Repeat(true, 4).ToArray();
        void Run(int steps) =>
            AttackRunner
                .Run(
                    new ProjectedGradientDescent { Steps = steps },
                    model,
                    new AttackRun(few, goal, 1) { Attacked = all }
                )[0]
                .Dispose();
        Run(500);
        long before = Environment.WorkingSet,
            live = LiveTensors.Count;
        Run(10_000);
        long leaked = LiveTensors.Count - live;
        return BenchRow.AtMost(
            $"growth over 10,000 PGD steps ({leaked} tensors left)",
            (Environment.WorkingSet - before) / 1048576.0,
            "MiB",
            16,
            Command
        );
    }

    private static void Gradient(IClassifier model, Tensor images, Goal goal)
    {
        using var scope = NewDisposeScope();
        model.Gradient(Parry.Models.Images.Of(images), AttackLoss.CrossEntropy(goal));
    }

    // Cut as the runner of attacks cuts.
    private static void OnWorkers(Tensor images, Tensor labels, Action<Tensor, Goal> work)
    {
        int count = (int)images.size(0),
            size = Math.Min(128, (count + Workers.Shared.Count - 1) / Workers.Shared.Count);
        Workers.Shared.Run(
            (count + size - 1) / size,
            i =>
            {
                using var scope = NewDisposeScope();
                long from = (long)i * size,
                    to = Math.Min(count, from + size);
                work(images.slice(0, from, to, 1), Goal.Untargeted(labels.slice(0, from, to, 1)));
            }
        );
    }
}
