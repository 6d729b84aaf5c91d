using Parry.Attacks;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Conformance;

/// <summary>What holds of every attack's result on any model.</summary>
internal static class ResultChecks
{
    /// <summary>Images and attempts are in [0, 1] and no farther from the clean image than the budget.</summary>
    public static void AreInTheBoxAndTheBudget(AttackResult result)
    {
        Assert.All(
            result.Images.ToArray<float>().Concat(result.Attempts.ToArray<float>()),
            value => Assert.InRange(value, 0, 1)
        );
        Assert.All(
            result.Distances(result.Norm),
            distance => Assert.True(!(distance > result.Epsilon + 1e-6), $"{distance} > {result.Epsilon}")
        );
    }

    /// <summary>What is called a success reaches the goal, and what is not is the clean image.</summary>
    public static void AreTrue(AttackResult result, IClassifier model, Tensor images, Goal goal)
    {
        using var scope = NewDisposeScope();
        bool[] reached = goal.IsReached(model.Predict(result.Images)).ToArray<bool>();
        for (int i = 0; i < reached.Length; i++)
        {
            Assert.Equal(reached[i] && result.Attacked[i], result.Succeeded[i]);
            if (!result.Succeeded[i])
                Assert.Equal(images.Row(i), result.Images.Row(i));
        }
    }

    /// <summary>The part has, bit for bit, what the whole has from that row on.</summary>
    public static void AreThePart(IReadOnlyList<AttackResult> whole, IReadOnlyList<AttackResult> part, int from)
    {
        foreach (var (all, some) in whole.Zip(part))
        {
            for (int i = 0; i < some.Succeeded.Length; i++)
            {
                int row = from + i;
                Assert.Equal(all.Attempts.Row(row), some.Attempts.Row(i));
                Assert.Equal(
                    (all.Succeeded[row], all.Queries[row], all.Gradients[row]),
                    (some.Succeeded[i], some.Queries[i], some.Gradients[i])
                );
            }
        }
    }

    /// <summary>The values of one image.</summary>
    public static float[] Row(this Tensor images, int row)
    {
        using Tensor one = images.slice(0, row, row + 1, 1);
        return one.ToArray<float>();
    }
}
