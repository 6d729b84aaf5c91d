using Parry.Attacks;
using Parry.Attacks.DecisionBased;
using Parry.Models;
using Parry.Runtime;
using Parry.Tests.Repository;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Example;

/// <summary>The attack that docs/adding-an-attack.md writes: it is the one there, and it works.</summary>
public class NoiseSearchTests
{
    [Fact]
    public void The_guide_shows_the_attack_that_is_compiled_here()
    {
        string guide = File.ReadAllText(Path.Combine(RepositoryFiles.Root, "docs", "adding-an-attack.md"));
        string source = File.ReadAllText(
            Path.Combine(RepositoryFiles.Root, "tests", "Parry.Tests", "Attacks", "Example", "NoiseSearch.cs")
        );
        Assert.Contains($"```csharp\n{source}```", guide, StringComparison.Ordinal);
    }

    [Fact]
    public void It_fails_within_the_distance_of_the_boundary_and_succeeds_well_beyond()
    {
        var problem = new LinearProblem(Norm.Linf, classes: 2, count: 12, seed: 5);
        IReadOnlyList<AttackResult> results = AttackRunner.Run(
            new NoiseSearch { Tries = 400 },
            (IPredictor)problem.Model,
            new AttackRun(problem.Images, problem.Goal(targeted: false), 1)
            {
                Epsilons = [0.98 * problem.Distance, 8 * problem.Distance],
            }
        );
        Assert.All(results[0].Succeeded, Assert.False);
        Assert.All(results[1].Succeeded, Assert.True);
        Assert.All(results[1].Gradients, gradients => Assert.Equal(0, gradients));
    }

    [Fact]
    public void A_batch_gives_what_its_images_give_one_by_one()
    {
        var problem = new LinearProblem(Norm.Linf, classes: 4, count: 6, seed: 8);
        var attack = new NoiseSearch { Epsilon = 0.1, Tries = 20 };
        using AttackResult batch = AttackRunner.Run(
            attack,
            problem.Model,
            problem.Images,
            problem.Goal(false),
            seed: 1
        );
        for (int i = 0; i < 6; i++)
        {
            using Tensor row = tensor(new long[] { (long)i });
            using Tensor image = problem.Images.index_select(0, row);
            using AttackResult single = AttackRunner.Run(
                attack,
                problem.Model,
                new AttackRun(image, problem.Goal(false).Select(row), 1) { FirstSample = i }
            )[0];
            Assert.Equal(batch.Attempts.index_select(0, row).ToArray<float>(), single.Attempts.ToArray<float>());
            Assert.Equal(batch.Queries[i], single.Queries[0]);
        }
    }
}
