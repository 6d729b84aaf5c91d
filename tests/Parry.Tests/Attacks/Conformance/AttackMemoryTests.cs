using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Conformance;

public class AttackMemoryTests
{
    private const int Steps = 2000;
    private const int Settled = Steps / 2;

    public static TheoryData<IAttack<IClassifier>> Attacks { get; } =
        new(
            new ProjectedGradientDescent { Steps = Steps },
            new ProjectedGradientDescent { Norm = Norm.L2, Steps = Steps },
            new ProjectedGradientDescent { Norm = Norm.L1, Steps = Steps },
            new DecoupledDirectionNorm { Steps = Steps },
            new FastMinimumNorm { Norm = Norm.L0, Steps = Steps }
        );

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Thousands_of_steps_leave_native_memory_flat(IAttack<IClassifier> attack)
    {
        var problem = new LinearProblem(Norm.Linf, classes: 3, count: 1, seed: 1);
        var watching = new Watching(problem.Model);
        using AttackResult result = AttackRunner.Run(attack, watching, problem.Images, problem.Goal(false), seed: 1);
        Assert.Equal(Steps, result.Gradients[0]);
        Assert.Equal(Steps, watching.Live.Count);
        Assert.True(
            watching.Live.Max() <= watching.Live[1],
            $"from {watching.Live[1]} to {watching.Live.Max()} tensors"
        );
        Assert.InRange(watching.Resident[^1] - watching.Resident[0], long.MinValue, 8 << 20);
    }

    // Aggressive: the runtime gives back what it keeps for later, so that only what is held counts.
    private static void Settle()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>
    /// Notes at each gradient how many tensors live, and now and then how much memory the process has.
    /// </summary>
    private sealed class Watching(IClassifier model) : IClassifier
    {
        public List<long> Live { get; } = [];

        public List<long> Resident { get; } = [];

        public ImageShape Shape => model.Shape;

        public int Classes => model.Classes;

        public Tensor Logits(Images images) => model.Logits(images);

        public LossGradient Gradient(Images images, Func<Tensor, Tensor> loss)
        {
            Live.Add(LiveTensors.Count);
            if (Live.Count is Settled or Steps)
            {
                Settle();
                Resident.Add(Environment.WorkingSet);
            }

            return model.Gradient(images, loss);
        }
    }
}
