using Parry.Attacks;
using Parry.Models;

namespace Parry.Tests.Attacks.Strength;

/// <summary>What a strong attack must do. Each check must fail for an attack that does nothing.</summary>
internal static class StrengthChecks
{
    /// <summary>A budget attack fails just below the known distance and succeeds everywhere just above it.</summary>
    public static void SucceedsWhereTheBudgetAllows(IBudgetAttack<IClassifier> attack, bool targeted)
    {
        var problem = new LinearProblem(attack.Norm, classes: 2, count: 12, seed: 5);
        IReadOnlyList<AttackResult> results = AttackRunner.Run(
            attack,
            problem.Model,
            new AttackRun(problem.Images, problem.Goal(targeted), 1)
            {
                Epsilons = [0.98 * problem.Distance, 1.02 * problem.Distance],
            }
        );
        Assert.All(results[0].Attacked, Assert.True);
        Assert.All(results[0].Succeeded, Assert.False);
        Assert.All(results[1].Succeeded, Assert.True);
    }

    /// <summary>
    /// A minimizing attack reaches every goal within 5 % of the known distance, and of course not below it.
    /// </summary>
    public static void ComesNearTheOptimum(IAttack<IClassifier> attack, bool targeted, int classes)
    {
        var problem = new LinearProblem(attack.Norm, classes, count: 12, seed: 6);
        using AttackResult result = AttackRunner.Run(
            attack,
            problem.Model,
            problem.Images,
            problem.Goal(targeted),
            seed: 1
        );
        Assert.All(result.Succeeded, Assert.True);
        Assert.All(result.Distances(attack.Norm), distance => Assert.InRange(distance / problem.Distance, 0.999, 1.05));
    }
}
