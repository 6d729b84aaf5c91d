using Parry.Attacks;
using Parry.Catalogs;
using Parry.Runtime;
using Parry.Tests.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Conformance;

/// <summary>
/// How every attack of the catalog goes about its work: seeds, batches, passes, the model and memory.
/// </summary>
[Collection(nameof(ConformanceRuns))]
public sealed class AttackConductTests(ConformanceRuns runs)
{
    /// <summary>The attacks in which chance has a part, by name or text.</summary>
    private static readonly string[] s_random =
    [
        "rand-fgsm",
        "mi-fgsm:eps=0.06,0.02,steps=5,di,ti,ti-size=3,si,si-copies=2,ni,vmi,vmi-points=2",
        "pgd",
        "hsj",
        "brendel-bethge",
        "boundary",
        "sign-opt",
        "surfree",
        "geoda",
        "poba-ga",
        "random-search",
        "lavan",
        "rp2",
        "patch",
        "nes",
        "spsa",
        "zoo",
        "autozoom",
        "simba",
        "one-pixel",
        "lsa",
        "genattack",
        "apgd",
        "autoattack",
        "optmargin",
        "square",
        "uap",
        "uan",
        "upset",
        "angri",
        "atn",
        "advgan",
        "advgan-distilled",
        "substitute",
        "transfer",
    ];

    [Theory]
    [MemberData(nameof(AttackConformanceTests.Attacks), MemberType = typeof(AttackConformanceTests))]
    public void The_same_seed_gives_the_same_result_and_another_one_another_where_chance_has_a_part(string text)
    {
        AttackResult first = runs.Usual(text).Results[0];
        AttackResult second = Run(seed: 1);
        AttackResult other = Run(seed: 2);
        Assert.Equal(first.Attempts.ToArray<float>(), second.Attempts.ToArray<float>());
        Assert.Equal(first.Queries, second.Queries);
        Assert.Equal(
            s_random.Contains(runs.Ready(text).Name) || s_random.Contains(text),
            !first.Attempts.ToArray<float>().SequenceEqual(other.Attempts.ToArray<float>())
        );

        AttackResult Run(long seed) =>
            runs.Trained(text, runs.Problem.Model, runs.Problem.Images, runs.Goal, seed)
                .Run(runs.Problem.Model, new AttackRun(runs.Problem.Images, runs.Goal, seed))[0];
    }

    [Theory]
    [MemberData(nameof(AttackConformanceTests.Attacks), MemberType = typeof(AttackConformanceTests))]
    public void A_batch_gives_what_its_images_give_one_by_one_and_in_parts(string text)
    {
        foreach (var (from, to) in new[] { (0, 1), (1, 2), (2, 6), (6, ConformanceRuns.Count) })
        {
            using Tensor rows = arange(from, to, dtype: ScalarType.Int64);
            using Tensor images = runs.Problem.Images.index_select(0, rows);
            IReadOnlyList<AttackResult> part = runs.Ready(text)
                .Run(runs.Problem.Model, new AttackRun(images, runs.Goal.Select(rows), 1) { FirstSample = from });
            ResultChecks.AreThePart(runs.Usual(text).Results, part, from);
        }
    }

    [Theory]
    [MemberData(nameof(AttackConformanceTests.Attacks), MemberType = typeof(AttackConformanceTests))]
    public void The_model_is_in_evaluation_mode_meanwhile_and_as_it_was_after_also_when_it_breaks(string text)
    {
        Assert.True(runs.Usual(text).IsTrainingAfterwards);
        var broken = new ModalClassifier(runs.Problem.Model, callsUntilFailure: Workers.Shared.Count);
        Assert.Throws<TimeoutException>(() =>
            runs.Ready(text).Run(broken, new AttackRun(runs.Problem.Images, runs.Goal, 1))
        );
        Assert.True(broken.Training);
    }

    [Theory]
    [MemberData(nameof(AttackConformanceTests.Attacks), MemberType = typeof(AttackConformanceTests))]
    public void Every_pass_is_metered(string text)
    {
        AttackSpec attack = runs.Ready(text);
        UsualRun usual = runs.Usual(text);
        // The runner's own: on the clean images, and on each result.
        long verdicts = ConformanceRuns.Count * (1 + usual.Results.Count);
        Assert.Equal(usual.Queries - verdicts, usual.Results.Sum(result => result.Queries.Sum()), 1e-6);
        Assert.Equal(usual.Gradients, usual.Results.Sum(result => result.Gradients.Sum()), 1e-6);
        Assert.Equal(attack.Entry.Knowledge == Knowledge.Gradients && attack.Training is null, usual.Gradients > 0);
    }

    [Theory]
    [MemberData(nameof(AttackConformanceTests.Attacks), MemberType = typeof(AttackConformanceTests))]
    public void A_run_leaves_no_native_tensors_behind(string text)
    {
        AttackSpec attack = runs.Ready(text);
        _ = runs.Usual(text);
        long before = Settled.Tensors();
        foreach (
            AttackResult result in attack.Run(runs.Problem.Model, new AttackRun(runs.Problem.Images, runs.Goal, 1))
        )
            result.Dispose();
        Assert.Equal(before, LiveTensors.Count);
    }
}
