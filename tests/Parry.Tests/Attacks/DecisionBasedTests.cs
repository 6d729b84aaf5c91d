using Parry.Attacks;
using Parry.Attacks.DecisionBased;
using Parry.Runtime;

namespace Parry.Tests.Attacks;

public sealed class DecisionBasedTests
{
    private readonly LinearProblem _linf = new(Norm.Linf, classes: 2, count: 6, seed: 4);
    private readonly LinearProblem _l2 = new(Norm.L2, classes: 2, count: 6, seed: 4);

    [Fact]
    public void RayS_changes_all_values_by_the_same_amount_and_finds_the_signs_of_a_linear_model()
    {
        using AttackResult result = Run(new RayS { Queries = 1000 }, _linf);
        long[] labels = _linf.Labels.ToArray<long>();
        float[] change = result.Attempts.sub(_linf.Images).ToArray<float>();
        float[][] weights = _linf.Model.W;
        for (int i = 0; i < labels.Length; i++)
        {
            float[] towards = [.. weights[1 - labels[i]].Zip(weights[labels[i]], (other, own) => other - own)];
            float[] mine = change[(36 * i)..(36 * (i + 1))];
            Assert.All(mine, value => Assert.Equal(result.Linf[i], Math.Abs(value), 1e-6));
            Assert.Equal(towards.Select(MathF.Sign), mine.Select(MathF.Sign));
        }
    }

    [Fact]
    public void An_image_is_done_when_its_queries_are_spent_but_for_the_last_search()
    {
        foreach (int queries in new[] { 50, 200 })
        {
            Assert.All(Run(new RayS { Queries = queries }, _linf).Queries, Near);
            Assert.All(Run(new SurFree { Queries = queries }, _l2).Queries, Near);
            Assert.All(Run(new SignOpt { Queries = queries, Directions = 10 }, _l2).Queries, Near);
            Assert.All(Run(new GeoDa { Queries = queries }, _l2).Queries, Near);

            // 16 and 10 for each hit of the start, some 60 of a line search.
            void Near(double spent) => Assert.InRange(spent, queries - 30, queries + 250);
        }
    }

    [Fact]
    public void More_queries_lead_nearer()
    {
        SignOpt Signs(int queries) => new() { Queries = queries, Directions = 10 };
        double Sum(IAttack<Parry.Models.IClassifier> attack) => Run(attack, _l2).L2.Sum();
        Assert.True(Sum(new SurFree { Queries = 1000 }) < 0.8 * Sum(new SurFree { Queries = 50 }));
        Assert.True(Sum(Signs(1000)) < 0.8 * Sum(Signs(50)));
        Assert.True(Sum(new GeoDa { Queries = 1000 }) < 0.8 * Sum(new GeoDa { Queries = 50 }));
    }

    private static AttackResult Run(IAttack<Parry.Models.IClassifier> attack, LinearProblem problem) =>
        AttackRunner.Run(attack, problem.Model, problem.Images, problem.Goal(targeted: false), seed: 1);
}
