using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Attacks.DecisionBased;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

public sealed class StartingPointTests
{
    public static TheoryData<IAttack<IPredictor>> Attacks { get; } =
        new(
            new HopSkipJump { Steps = 1 },
            new BoundaryAttack { Steps = 2 },
            new SignOpt { Queries = 1 },
            new SurFree { Queries = 1 },
            new GeoDa { Queries = 1 },
            new PobaGa { Generations = 1 }
        );

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Where_noise_finds_none_an_attack_starts_from_other_images(IAttack<IPredictor> attack)
    {
        using var scope = NewDisposeScope();
        AttackRun run = Run(zeros([2, 1, 8, 8]));
        using (AttackResult without = AttackRunner.Run(attack, new Bright(), run)[0])
            Assert.Equal([false, false], without.Succeeded);
        using AttackResult with = AttackRunner.Run(attack, new Bright(), run with { Starts = ones([1, 1, 8, 8]) })[0];
        Assert.Equal([true, true], with.Succeeded);
    }

    [Fact]
    public void Start_says_where_to_look()
    {
        using var scope = NewDisposeScope();
        AttackRun run = Run(zeros([1, 1, 8, 8])) with { Starts = ones([1, 1, 8, 8]) };
        foreach (StartFrom start in Enum.GetValues<StartFrom>())
        {
            var attack = new HopSkipJump { Steps = 1, Start = start };
            using AttackResult result = AttackRunner.Run(attack, (IPredictor)new Bright(), run)[0];
            Assert.Equal(start != StartFrom.Noise, result.Succeeded[0]);
        }
    }

    [Fact]
    public void Images_without_a_start_are_counted()
    {
        using var scope = NewDisposeScope();
        using AttackResult result = AttackRunner.Run(
            new HopSkipJump { Steps = 1 },
            (IPredictor)new Bright(),
            Run(zeros([2, 1, 8, 8]))
        )[0];
        Assert.StartsWith(
            "hsj had no start for 2 of 2 images",
            StartingPoint.Missing(new HopSkipJump(), result.Attacked.Length, result.Succeeded.Count(row => row)),
            StringComparison.Ordinal
        );
    }

    private static AttackRun Run(Tensor images) =>
        new(images, Goal.Untargeted(zeros([images.size(0)], ScalarType.Int64)), 1);

    // Class 1 for images brighter than any noise.
    private sealed class Bright : IPredictor
    {
        public ImageShape Shape => new(1, 8, 8);

        public int Classes => 2;

        public Tensor Predict(Images images) => (images.Pixels.mean([1, 2, 3]) > 0.8).to(ScalarType.Int64);
    }
}
