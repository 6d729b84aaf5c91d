using Parry.Attacks;
using Parry.Catalogs;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Conformance;

/// <summary>What the results of every attack of the catalog are like.</summary>
[Collection(nameof(ConformanceRuns))]
public sealed class AttackConformanceTests(ConformanceRuns runs)
{
    private static readonly string[] s_exact = ["ground-truth", "ground-truth:norm=l1"];

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
            "rays:queries=150",
            "sign-opt:queries=300,directions=20",
            "surfree:queries=120",
            "geoda:queries=300",
            "geoda:queries=300,norm=linf,frequencies=4",
            "geoda:queries=300,norm=l1",
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
            "mi-fgsm:eps=0.06,0.02,steps=5,di,ti,ti-size=3,si,si-copies=2,ni,vmi,vmi-points=2",
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
            "fab:untargeted,steps=20",
            "fab:norm=l2,steps=20",
            "fab:norm=l1,steps=20",
            "sigma-zero:steps=40",
            "alma:steps=60,alpha=0.5",
            "alma:norm=l1,steps=60,alpha=0.5",
            "pdpgd:steps=60,step=0.02,ratio=0.1",
            "pdpgd:norm=l2,steps=60,step=0.02,ratio=0.1",
            "pdpgd:norm=l1,steps=60,step=0.02,ratio=0.1",
            "pdpgd:norm=l0,steps=60,step=0.5,ratio=0.03",
            "brendel-bethge:steps=20",
            "brendel-bethge:norm=linf,steps=20",
            "brendel-bethge:norm=l1,steps=20",
            "brendel-bethge:norm=l0,steps=20",
            "autoattack:eps=0.025,0.015,steps=10,queries=20",
            "autoattack:eps=0.12,0.05,norm=l2,steps=10,queries=20",
            "autoattack:eps=0.5,0.2,norm=l1,steps=10",
            "autoattack:eps=0.025,0.015,version=rand,steps=5",
            "jsma:theta=0.3,gamma=0.6",
            "jsma:decrease=true,theta=0.3,gamma=0.6",
            "houdini:eps=0.025,0.015,steps=12",
            "optmargin:points=4,radius=0.01,steps=3,iterations=30,c=1",
            "optmargin:norm=l1,points=4,radius=0.01,steps=3,iterations=60,c=100",
            "optmargin:norm=linf,points=4,radius=0.01,steps=3,iterations=60,c=1,lr=0.02",
            "optmargin:norm=l0,points=4,radius=0.01,iterations=60,c=1,lr=0.02",
            "hot-cold",
            "stadv:iterations=100,tau=0.001",
            "square:eps=0.06,0.015,queries=100",
            "square:eps=0.5,0.05,norm=l2,queries=100",
            "genattack:eps=0.06,generations=40,adaptive=false",
            "genattack:eps=0.5,0.1,norm=l2,generations=40",
            "uap:eps=0.06,0.03,passes=3,batch=4",
            "uap:eps=0.2,0.1,norm=l2,passes=3,batch=4",
            "uan:eps=0.2,0.03,epochs=40,hidden=50",
            "uan:eps=0.4,0.1,norm=l2,epochs=40,hidden=50",
            "upset:epochs=40,hidden=20,weight=0.5",
            "angri:epochs=150,hidden=40,weight=0.1",
            "atn:epochs=80,hidden=40,beta=0.001",
            "atn:epochs=150,hidden=40,beta=0.001,kind=autoencoder",
            "atn:norm=linf,epochs=80,hidden=40,beta=0.02",
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
    public void Results_stay_in_the_box_and_the_budget(string text)
    {
        using Tensor images = runs.Problem.Images.sub(0.4).mul(5.0).clamp(0.0, 1.0);
        var goal = Goal.Untargeted(((IClassifier)runs.Problem.Model).Predict(images));
        IReadOnlyList<AttackResult> atTheWalls = runs.Ready(text)
            .Run(runs.Problem.Model, new AttackRun(images, goal, 1));
        foreach (AttackResult result in atTheWalls.Concat(runs.Usual(text).Results))
            ResultChecks.AreInTheBoxAndTheBudget(result);
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void A_success_is_one_for_the_model_and_a_failure_gives_the_clean_image(string text) =>
        Assert.All(
            runs.Usual(text).Results,
            result => ResultChecks.AreTrue(result, runs.Problem.Model, runs.Problem.Images, runs.Goal)
        );

    [Theory]
    [MemberData(nameof(Attacks))]
    public void What_cannot_succeed_returns_the_clean_images(string text)
    {
        var model = new ConstantClassifier(runs.Problem.Model.Shape, 4);
        var goal = Goal.Untargeted(zeros([ConformanceRuns.Count], ScalarType.Int64));
        foreach (AttackResult result in runs.Ready(text).Run(model, new AttackRun(runs.Problem.Images, goal, 1)))
        {
            Assert.All(result.Attacked, Assert.True);
            Assert.All(result.Succeeded, Assert.False);
            Assert.Equal(runs.Problem.Images.ToArray<float>(), result.Images.ToArray<float>());
            Assert.All(result.L2, length => Assert.Equal(0, length));
        }
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Misclassified_images_are_left_alone_and_not_counted(string text)
    {
        IReadOnlyList<AttackResult> results = runs.Usual(text).Results;
        Assert.Contains(true, results[0].Succeeded);
        foreach (AttackResult result in results)
        {
            for (int i = 0; i < ConformanceRuns.Count; i++)
            {
                bool attacked = !ConformanceRuns.Misclassified.Contains(i);
                Assert.Equal(attacked, result.Attacked[i]);
                Assert.Equal(attacked && runs.Ready(text).Training is null, result.Queries[i] > 0);
                if (attacked)
                    continue;
                Assert.Equal(runs.Problem.Images.Row(i), result.Attempts.Row(i));
                Assert.Equal((false, 0.0), (result.Succeeded[i], result.Gradients[i]));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Bad_images_and_labels_are_refused_with_a_reason(string text)
    {
        AttackSpec attack = runs.Ready(text);
        float[] values = runs.Problem.Images.ToArray<float>();
        foreach (float bad in new[] { float.NaN, -0.01f, 1.01f, float.PositiveInfinity })
        {
            values[40] = bad;
            using Tensor images = tensor(values, [ConformanceRuns.Count, 1, 6, 6]);
            Assert.Contains("[0, 1]", Refused(images, runs.Goal), StringComparison.Ordinal);
        }

        using Tensor flat = runs.Problem.Images.flatten(1);
        using Tensor labels = full([ConformanceRuns.Count], 4.0, ScalarType.Int64);
        using Tensor few = zeros([2], ScalarType.Int64);
        Assert.Contains("[N, 1, 6, 6]", Refused(flat, runs.Goal), StringComparison.Ordinal);
        Assert.Contains(
            "classes 0 to 3",
            Refused(runs.Problem.Images, Goal.Untargeted(labels)),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "one label per image",
            Refused(runs.Problem.Images, Goal.Untargeted(few)),
            StringComparison.Ordinal
        );

        string Refused(Tensor images, Goal goal) =>
            Assert
                .Throws<UserErrorException>(() => attack.Run(runs.Problem.Model, new AttackRun(images, goal, 1)))
                .Message;
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void A_targeted_run_reaches_the_target_and_leaves_alone_what_is_there(string text)
    {
        var problem = new LinearProblem(Norm.Linf, classes: 2, ConformanceRuns.Count, seed: 12);
        long[] targets = problem.Goal(targeted: true).Labels.ToArray<long>();
        targets[4] = 1 - targets[4];
        AttackSpec attack = runs.Trained(text, problem.Model, problem.Images, problem.Goal(targeted: true), seed: 1);
        using AttackResult result = attack.Run(
            problem.Model,
            new AttackRun(problem.Images, Goal.Targeted(tensor(targets)), 1)
        )[0];
        Assert.False(result.Attacked[4]);
        Assert.Equal(ConformanceRuns.Count - 1, result.Succeeded.Count(succeeded => succeeded));
        Assert.Equal(targets, ((IClassifier)problem.Model).Predict(result.Images).ToArray<long>());
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void A_budget_of_zero_changes_nothing(string text)
    {
        AttackSpec attack = runs.Ready(text);
        if (attack.Attack is not IBudgetAttack<IClassifier> within)
            return;
        using AttackResult result = Run([0.0])[0];
        Assert.Equal(runs.Problem.Images.ToArray<float>(), result.Attempts.ToArray<float>());
        Assert.All(result.Succeeded, Assert.False);
        Assert.Throws<UserErrorException>(() => Run([-0.1]));
        Assert.Throws<UserErrorException>(() => Run([double.NaN]));

        IReadOnlyList<AttackResult> Run(double[] epsilons) =>
            AttackRunner.Run(
                within,
                runs.Problem.Model,
                new AttackRun(runs.Problem.Images, runs.Goal, 1) { Epsilons = epsilons }
            );
    }
}
