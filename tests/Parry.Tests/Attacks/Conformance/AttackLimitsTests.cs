using Parry.Attacks;
using Parry.Catalogs;
using Parry.Runtime;

namespace Parry.Tests.Attacks.Conformance;

/// <summary>Limits on passes hold for every attack, because the meter keeps them and not the attack.</summary>
public class AttackLimitsTests
{
    private const int Count = 8;

    private readonly LinearProblem _problem = new(Norm.Linf, classes: 4, Count, seed: 11);

    [Theory]
    [MemberData(nameof(AttackConformanceTests.Asking), MemberType = typeof(AttackConformanceTests))]
    public void No_image_gets_more_passes_than_the_limit_and_the_model_sees_no_more(string text)
    {
        AttackSpec attack = AttackCatalog.Parse(text);
        foreach (long limit in new long[] { 1, 3, 7 })
        {
            var counting = new CountingClassifier(_problem.Model);
            IReadOnlyList<AttackResult> results = attack.Run(
                counting,
                new AttackRun(_problem.Images, Goal.Untargeted(_problem.Labels), 1) { Limits = new AttackLimits(limit) }
            );
            Assert.All(results, result => Assert.All(result.Queries, queries => Assert.InRange(queries, 0, limit)));
            Assert.Equal(
                results.Sum(result => result.Queries.Sum()),
                counting.Queries - (2 * Count * results.Count),
                1e-6
            );
            Assert.Equal(results.Sum(result => result.Gradients.Sum()), counting.Gradients, 1e-6);
        }
    }

    [Fact]
    public void A_limit_that_is_not_reached_changes_nothing()
    {
        AttackSpec attack = AttackCatalog.Parse("pgd:eps=0.025,0.015,steps=12");
        IReadOnlyList<AttackResult> free = attack.Run(
            _problem.Model,
            new AttackRun(_problem.Images, Goal.Untargeted(_problem.Labels), 1)
        );
        IReadOnlyList<AttackResult> limited = attack.Run(
            _problem.Model,
            new AttackRun(_problem.Images, Goal.Untargeted(_problem.Labels), 1) { Limits = new AttackLimits(13, 12) }
        );
        for (int budget = 0; budget < 2; budget++)
            Assert.Equal(free[budget].Attempts.ToArray<float>(), limited[budget].Attempts.ToArray<float>());
    }

    [Fact]
    public void What_was_found_within_the_limit_is_kept()
    {
        AttackSpec attack = AttackCatalog.Parse("cw-l2:steps=4,iterations=60,c=1,lr=0.02");
        using AttackResult cut = attack.Run(
            _problem.Model,
            new AttackRun(_problem.Images, Goal.Untargeted(_problem.Labels), 1)
            {
                Limits = new AttackLimits(Gradients: 50),
            }
        )[0];
        Assert.Contains(true, cut.Succeeded);
        Assert.All(cut.Gradients, gradients => Assert.Equal(50, gradients));
        using AttackResult full = attack.Run(
            _problem.Model,
            new AttackRun(_problem.Images, Goal.Untargeted(_problem.Labels), 1)
        )[0];
        Assert.All(
            cut.L2.Zip(full.L2, cut.Succeeded),
            row => Assert.True(!row.Third || row.First >= row.Second - 1e-6)
        );
    }

    [Fact]
    public void The_point_that_PGD_comes_to_counts_although_its_last_look_was_refused()
    {
        AttackSpec attack = AttackCatalog.Parse("pgd:eps=0.025,steps=12,random-start=false");
        using AttackResult free = attack.Run(
            _problem.Model,
            new AttackRun(_problem.Images, Goal.Untargeted(_problem.Labels), 1)
        )[0];
        using AttackResult cut = attack.Run(
            _problem.Model,
            new AttackRun(_problem.Images, Goal.Untargeted(_problem.Labels), 1) { Limits = new AttackLimits(12) }
        )[0];
        Assert.Equal(free.Succeeded, cut.Succeeded);
        Assert.Contains(true, cut.Succeeded);
        Assert.All(cut.Queries, queries => Assert.Equal(12, queries));
    }

    [Fact]
    public void A_negative_limit_is_refused() =>
        Assert.Contains(
            "at least 1",
            Assert
                .Throws<UserErrorException>(() =>
                    AttackCatalog
                        .Parse("fgsm")
                        .Run(
                            _problem.Model,
                            new AttackRun(_problem.Images, Goal.Untargeted(_problem.Labels), 1)
                            {
                                Limits = new AttackLimits(0),
                            }
                        )
                )
                .Message,
            StringComparison.Ordinal
        );
}
