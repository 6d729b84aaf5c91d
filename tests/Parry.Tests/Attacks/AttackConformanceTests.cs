using Parry.Attacks;
using Parry.Catalogs;
using Parry.Models;
using Parry.Runtime;
using Parry.Tests.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

/// <summary>The contract that every attack of the catalog keeps.</summary>
public sealed class AttackConformanceTests : IDisposable
{
    private const int Count = 10;
    private static readonly int[] s_misclassified = [3, 7];

    private readonly LinearProblem _problem = new(Norm.Linf, classes: 4, Count, seed: 11);
    private readonly Goal _goal;
    private readonly List<string> _files = [];

    public AttackConformanceTests()
    {
        long[] labels = _problem.Labels.ToArray<long>();
        foreach (int row in s_misclassified)
            labels[row] = (labels[row] + 1) % 4;
        _goal = Goal.Untargeted(tensor(labels).DetachFromDisposeScope());
    }

    private static readonly string[] s_exact = ["ground-truth", "ground-truth:norm=l1"];

    public void Dispose()
    {
        foreach (string file in _files)
            File.Delete(file);
    }

    /// <summary>
    /// Every attack in a form that is quick to run, and partly succeeds on these images. LINEAR stands for the file of
    /// a network like the model.
    /// </summary>
    public static TheoryData<string> Attacks { get; } =
        new([
            "fgsm:eps=0.03,0.015",
            "rand-fgsm:eps=0.06,0.015",
            "bim:eps=0.025,0.015,step=0.002",
            "pgd:eps=0.025,0.015,steps=12,restarts=2",
            "pgd:eps=0.12,0.05,norm=l2,steps=12,loss=margin",
            "pgd:eps=0.025,0.015,steps=12,early-stop=true",
            "cw-l2:steps=4,iterations=60,c=1,lr=0.02",
            "hsj:steps=3,queries=20",
            "hsj:steps=3,queries=20,norm=linf",
            "boundary:steps=400",
            "poba-ga:population=12,generations=30",
            "random-search:eps=0.3,0.06,draws=50",
            "random-search:eps=2,0.4,norm=l2,draws=50",
            "lavan:area=0.3,steps=10,restarts=2",
            "rp2:area=0.2,steps=20,views=3",
            "patch:area=0.7,min-area=0.7,steps=60,batch=10,lr=0.1",
            "nes:eps=0.025,0.015,steps=15,queries=40,lr=0.004",
            "spsa:eps=0.025,0.015,steps=15,queries=40,lr=0.004",
            "zoo:steps=3,iterations=40,coordinates=18,c=1,lr=0.02",
            "zoo:solver=newton,steps=2,iterations=60,coordinates=18,c=1,lr=0.3",
            "zoo:side=3,tanh=true,steps=2,iterations=60,coordinates=5,c=1,lr=0.05",
            "autozoom:steps=150,switch=30,c=1,lr=0.02",
            "simba:step=0.1",
            "simba:basis=dct,step=0.1,frequencies=5",
            "one-pixel:eps=6,population=12,generations=20",
            "lsa:rounds=10,pixels=2,reach=1",
            "genattack:eps=0.06,0.025,generations=40",
            "pgd:eps=0.4,0.15,norm=l1,steps=12",
            "ilcm:eps=0.04,0.02,step=0.002",
            "mi-fgsm:eps=0.025,0.015",
            "deepfool",
            "deepfool:norm=linf,candidates=3",
            "deepfool:norm=l1",
            "ddn:steps=40",
            "ddn:steps=20,levels=0,gamma=0.2",
            "fmn:steps=40",
            "fmn:steps=40,norm=l2,step=0.3",
            "fmn:steps=40,norm=l1",
            "fmn:steps=40,norm=l0",
            "ead:steps=4,iterations=60,c=0.1,beta=1e-4",
            "ead:steps=4,iterations=60,c=0.1,rule=l1,momentum=true",
            "cw-linf:iterations=60,c=0.1,lr=0.02",
            "cw-l0:iterations=60,c=1,lr=0.02,largest-c=1e4",
            "lbfgs:steps=5,iterations=40",
            "apgd:eps=0.025,0.015,steps=12,restarts=2",
            "apgd:eps=0.12,0.05,norm=l2,steps=12",
            "apgd:eps=0.5,0.2,norm=l1,steps=12",
            "fab:steps=20",
            "fab:norm=l2,steps=20",
            "fab:norm=l1,steps=20",
            "autoattack:eps=0.025,0.015,steps=10,queries=20",
            "autoattack:eps=0.12,0.05,norm=l2,steps=10,queries=20",
            "autoattack:eps=0.5,0.2,norm=l1,steps=10",
            "autoattack:eps=0.025,0.015,version=rand,steps=5",
            "jsma:theta=0.3,gamma=0.6",
            "jsma:decrease=true,theta=0.3,gamma=0.6",
            "houdini:eps=0.025,0.015,steps=12",
            "optmargin:points=4,radius=0.01,steps=3,iterations=30,c=1",
            "hot-cold",
            "stadv:iterations=100,tau=0.001",
            "square:eps=0.06,0.015,queries=100",
            "square:eps=0.5,0.05,norm=l2,queries=100",
            "genattack:eps=0.06,generations=40,adaptive=false",
            "uap:eps=0.06,0.03,passes=3,batch=4",
            "uap:eps=0.2,0.1,norm=l2,passes=3,batch=4",
            "uan:eps=0.2,0.03,epochs=40,hidden=50",
            "uan:eps=0.4,0.1,norm=l2,epochs=40,hidden=50",
            "upset:epochs=40,hidden=20,weight=0.5",
            "angri:epochs=150,hidden=40,weight=0.1",
            "atn:epochs=80,hidden=40,beta=0.001",
            "atn:epochs=150,hidden=40,beta=0.001,kind=autoencoder",
            "advgan:eps=0.15,0.05,epochs=25",
            "advgan-distilled:eps=0.15,epochs=25,distillation-epochs=60,net=e",
            "substitute:eps=0.06,0.04,rounds=3,epochs=20",
            "transfer:eps=0.04,0.015,from=LINEAR+LINEAR,attack=pgd:steps=5",
            .. s_exact,
        ]);

    /// <summary>Those that need no training, and so ask the model for every image anew.</summary>
    public static TheoryData<string> Asking { get; } =
    [
        .. ((IEnumerable<object[]>)Attacks)
            .Select(row => (string)row[0])
            .Where(text => AttackCatalog.Parse(text).Attack is not ITrainedAttack<IClassifier> { IsTrained: false }),
    ];

    /// <summary>The attacks in which chance has a part.</summary>
    private static readonly string[] s_random =
    [
        "rand-fgsm",
        "pgd",
        "hsj",
        "boundary",
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

    [Fact]
    public void Every_attack_of_the_catalog_is_tested_here() =>
        Assert.Equal(
            AttackCatalog.All.Select(entry => entry.Name).Order(),
            ((IEnumerable<object[]>)Attacks)
                .Select(row => (string)row[0])
                .Concat(s_exact)
                .Select(text => AttackCatalog.Parse(text).Name)
                .Distinct()
                .Order()
        );

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Results_stay_in_the_box_and_the_budget_and_failures_give_the_clean_image(string text)
    {
        AttackSpec attack = Ready(text);
        using Tensor images = _problem.Images.sub(0.4).mul(5.0).clamp(0.0, 1.0);
        foreach (
            AttackResult result in attack
                .Run(
                    _problem.Model,
                    new AttackRun(images, Goal.Untargeted(((IClassifier)_problem.Model).Predict(images)), 1)
                )
                .Concat(Run(attack))
        )
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

        foreach (AttackResult result in Run(attack))
        {
            bool[] wrong = Reached(result.Images);
            for (int i = 0; i < Count; i++)
            {
                Assert.Equal(result.Succeeded[i], wrong[i] && result.Attacked[i]);
                if (!result.Succeeded[i])
                    Assert.Equal(Row(_problem.Images, i), Row(result.Images, i));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void What_cannot_succeed_returns_the_clean_images(string text)
    {
        var model = new ConstantClassifier(_problem.Model.Shape, 4);
        var goal = Goal.Untargeted(zeros([Count], ScalarType.Int64));
        foreach (AttackResult result in Ready(text, model, goal).Run(model, new AttackRun(_problem.Images, goal, 1)))
        {
            Assert.All(result.Attacked, Assert.True);
            Assert.All(result.Succeeded, Assert.False);
            Assert.Equal(_problem.Images.ToArray<float>(), result.Images.ToArray<float>());
            Assert.All(result.L2, length => Assert.Equal(0, length));
        }
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Misclassified_images_are_left_alone_and_not_counted(string text)
    {
        AttackSpec attack = Ready(text);
        IReadOnlyList<AttackResult> results = Run(attack);
        Assert.Contains(true, results[0].Succeeded);
        foreach (AttackResult result in results)
        {
            for (int i = 0; i < Count; i++)
            {
                bool attacked = !s_misclassified.Contains(i);
                Assert.Equal(attacked, result.Attacked[i]);
                Assert.Equal(attacked && attack.Training is null, result.Queries[i] > 0);
                if (attacked)
                    continue;
                Assert.Equal(Row(_problem.Images, i), Row(result.Attempts, i));
                Assert.Equal((false, 0.0), (result.Succeeded[i], result.Gradients[i]));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void The_same_seed_gives_the_same_result_and_another_one_another_where_chance_has_a_part(string text)
    {
        AttackSpec attack = Ready(text);
        AttackResult first = Run(attack)[0],
            second = Run(Ready(text))[0],
            other = Run(Ready(text, seed: 2), seed: 2)[0];
        Assert.Equal(first.Attempts.ToArray<float>(), second.Attempts.ToArray<float>());
        Assert.Equal(first.Queries, second.Queries);
        Assert.Equal(
            s_random.Contains(attack.Name),
            !first.Attempts.ToArray<float>().SequenceEqual(other.Attempts.ToArray<float>())
        );
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void A_batch_gives_what_its_images_give_one_by_one(string text)
    {
        AttackSpec attack = Ready(text);
        IReadOnlyList<AttackResult> batch = Run(attack);
        for (int i = 0; i < Count; i++)
        {
            using Tensor row = tensor(new long[] { (long)i }),
                image = _problem.Images.index_select(0, row);
            IReadOnlyList<AttackResult> single = attack.Run(
                _problem.Model,
                new AttackRun(image, _goal.Select(row), 1) { FirstSample = i }
            );
            for (int budget = 0; budget < batch.Count; budget++)
            {
                Assert.Equal(Row(batch[budget].Attempts, i), single[budget].Attempts.ToArray<float>());
                Assert.Equal(
                    (batch[budget].Succeeded[i], batch[budget].Queries[i], batch[budget].Gradients[i]),
                    (single[budget].Succeeded[0], single[budget].Queries[0], single[budget].Gradients[0])
                );
            }
        }
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void The_model_is_in_evaluation_mode_meanwhile_and_as_it_was_after_also_when_it_breaks(string text)
    {
        AttackSpec attack = Ready(text);
        var whole = new ModalClassifier(_problem.Model);
        _ = attack.Run(whole, new AttackRun(_problem.Images, _goal, 1));
        Assert.True(whole.Training);
        var broken = new ModalClassifier(_problem.Model, callsUntilFailure: Workers.Shared.Count);
        Assert.Throws<TimeoutException>(() => attack.Run(broken, new AttackRun(_problem.Images, _goal, 1)));
        Assert.True(broken.Training);
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Every_pass_is_metered(string text)
    {
        var counting = new CountingClassifier(_problem.Model);
        AttackSpec attack = Ready(text);
        IReadOnlyList<AttackResult> results = attack.Run(counting, new AttackRun(_problem.Images, _goal, 1));
        long verdicts = Count * (1 + results.Count); // the runner's own: on the clean images, and on each result
        Assert.Equal(counting.Queries - verdicts, results.Sum(result => result.Queries.Sum()), 1e-6);
        Assert.Equal(counting.Gradients, results.Sum(result => result.Gradients.Sum()), 1e-6);
        Assert.Equal(attack.Entry.Knowledge == Knowledge.Gradients && attack.Training is null, counting.Gradients > 0);
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Bad_images_and_labels_are_refused_with_a_reason(string text)
    {
        AttackSpec attack = Ready(text);
        float[] values = _problem.Images.ToArray<float>();
        foreach (float bad in new[] { float.NaN, -0.01f, 1.01f, float.PositiveInfinity })
        {
            values[40] = bad;
            using Tensor images = tensor(values, [Count, 1, 6, 6]);
            Assert.Contains("[0, 1]", Refused(images, _goal), StringComparison.Ordinal);
        }

        using Tensor flat = _problem.Images.flatten(1),
            labels = full([Count], 4.0, ScalarType.Int64),
            few = zeros([2], ScalarType.Int64);
        Assert.Contains("[N, 1, 6, 6]", Refused(flat, _goal), StringComparison.Ordinal);
        Assert.Contains("classes 0 to 3", Refused(_problem.Images, Goal.Untargeted(labels)), StringComparison.Ordinal);
        Assert.Contains(
            "one label per image",
            Refused(_problem.Images, Goal.Untargeted(few)),
            StringComparison.Ordinal
        );

        string Refused(Tensor images, Goal goal) =>
            Assert.Throws<UserErrorException>(() => attack.Run(_problem.Model, new AttackRun(images, goal, 1))).Message;
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void A_targeted_run_reaches_the_target_and_leaves_alone_what_is_there(string text)
    {
        var problem = new LinearProblem(Norm.Linf, classes: 2, Count, seed: 12);
        long[] targets = problem.Goal(targeted: true).Labels.ToArray<long>();
        targets[4] = 1 - targets[4];
        AttackSpec attack = Ready(text, problem.Model, problem.Images, problem.Goal(targeted: true));
        using AttackResult result = attack.Run(
            problem.Model,
            new AttackRun(problem.Images, Goal.Targeted(tensor(targets)), 1)
        )[0];
        Assert.False(result.Attacked[4]);
        Assert.Equal(Count - 1, result.Succeeded.Count(succeeded => succeeded));
        long[] predicted = ((IClassifier)problem.Model).Predict(result.Images).ToArray<long>();
        Assert.Equal(targets, predicted);
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void A_budget_of_zero_changes_nothing(string text)
    {
        AttackSpec attack = Ready(text);
        if (attack.Attack is not IBudgetAttack<IClassifier> within)
            return;
        using AttackResult result = AttackRunner.Run(
            within,
            _problem.Model,
            new AttackRun(_problem.Images, _goal, 1) { Epsilons = [0.0] }
        )[0];
        Assert.Equal(_problem.Images.ToArray<float>(), result.Attempts.ToArray<float>());
        Assert.All(result.Succeeded, Assert.False);
        Assert.Throws<UserErrorException>(() =>
            AttackRunner.Run(within, _problem.Model, new AttackRun(_problem.Images, _goal, 1) { Epsilons = [-0.1] })
        );
        Assert.Throws<UserErrorException>(() =>
            AttackRunner.Run(
                within,
                _problem.Model,
                new AttackRun(_problem.Images, _goal, 1) { Epsilons = [double.NaN] }
            )
        );
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void A_run_leaves_no_native_tensors_behind(string text)
    {
        AttackSpec attack = Ready(text);
        Dispose(Run(attack));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Settled.Tensors();
        Dispose(Run(attack));
        Assert.Equal(before, LiveTensors.Count);

        static void Dispose(IReadOnlyList<AttackResult> results)
        {
            foreach (AttackResult result in results)
                result.Dispose();
        }
    }

    private AttackSpec Ready(string text, long seed = 1) => Ready(text, _problem.Model, _problem.Images, _goal, seed);

    private AttackSpec Ready(string text, IClassifier model, Goal goal) => Ready(text, model, _problem.Images, goal);

    // Attacks that learn do so from the images of the problem.
    private AttackSpec Ready(string text, IClassifier model, Tensor images, Goal goal, long seed = 1)
    {
        if (text.Contains("LINEAR", StringComparison.Ordinal))
        {
            _files.Add(Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.safetensors"));
            (model as LinearClassifier ?? _problem.Model).SaveAsNetwork(_files[^1]);
            text = text.Replace("LINEAR", _files[^1], StringComparison.Ordinal);
        }

        return AttackCatalog.Parse(text).Train(model, new AttackRun(images, goal, seed));
    }

    private IReadOnlyList<AttackResult> Run(AttackSpec attack, long seed = 1) =>
        attack.Run(_problem.Model, new AttackRun(_problem.Images, _goal, seed));

    private bool[] Reached(Tensor images)
    {
        using var scope = NewDisposeScope();
        return _goal.IsReached(((IClassifier)_problem.Model).Predict(images)).ToArray<bool>();
    }

    private static float[] Row(Tensor images, int row)
    {
        using Tensor one = images.slice(0, row, row + 1, 1);
        return one.ToArray<float>();
    }
}
