using Parry.Attacks;
using Parry.Attacks.Transfer;
using Parry.Attacks.WhiteBox;
using Parry.Catalogs;
using Parry.Models;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

/// <summary>What attacks that learn keep beside the contract of all attacks.</summary>
public class TrainedAttackTests
{
    private readonly LinearProblem _problem = new(Norm.Linf, classes: 4, count: 10, seed: 11);

    public static TheoryData<string> Attacks { get; } =
        new(
            "uap",
            "uan:epochs=2",
            "upset:epochs=2",
            "angri:epochs=2",
            "atn:epochs=2",
            "advgan:epochs=2",
            "advgan-distilled:epochs=2,net=e",
            "advgan-distilled:epochs=2,net=e,kind=static",
            "substitute:rounds=2,epochs=2"
        );

    [Theory]
    [MemberData(nameof(Attacks))]
    public void An_attack_that_is_not_trained_says_so(string text)
    {
        AttackSpec attack = AttackCatalog.Parse(text);
        Assert.Contains(
            $"the attack {attack.Name} must be trained before it attacks",
            Assert
                .Throws<UserErrorException>(() =>
                    attack.Run(_problem.Model, new AttackRun(_problem.Images, _problem.Goal(false), 1))
                )
                .Message,
            StringComparison.Ordinal
        );
        Assert.Throws<InvalidOperationException>(() =>
            attack.Attack.Perturb(
                _problem.Model,
                _problem.Images,
                _problem.Goal(false),
                new SampleRandom(1, new long[10])
            )
        );
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Every_pass_of_the_training_is_metered_and_in_evaluation_mode(string text)
    {
        var counting = new CountingClassifier(_problem.Model);
        var modal = new ModalClassifier(counting);
        AttackSpec trained = AttackCatalog
            .Parse(text)
            .Train(modal, new AttackRun(_problem.Images, _problem.Goal(false), 1));
        Assert.True(modal.Training);
        Assert.Equal(10, trained.Training!.Images);
        Assert.Equal(counting.Queries, trained.Training.Queries);
        Assert.True(trained.Training.Queries > 0);
        Assert.Equal(trained.Entry.Knowledge == Knowledge.Gradients, trained.Training.Gradients > 0);

        var broken = new ModalClassifier(_problem.Model, callsUntilFailure: 1);
        Assert.Throws<TimeoutException>(() =>
            AttackCatalog.Parse(text).Train(broken, new AttackRun(_problem.Images, _problem.Goal(false), 1))
        );
        Assert.True(broken.Training);
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    [InlineData("patch:steps=2,area=0.2")]
    [InlineData("autozoom:decoder=autoencoder,epochs=1,steps=5")]
    public void What_an_attack_learned_can_be_kept_in_a_file(string text)
    {
        using Tensor targets = arange(10, ScalarType.Int64) % 4;
        foreach (Goal goal in new[] { _problem.Goal(false), Goal.Targeted(targets) })
        {
            AttackSpec untrained = AttackCatalog.Parse(text);
            var run = new AttackRun(_problem.Images, goal, 1);
            AttackSpec trained = untrained.Train(_problem.Model, run);
            var learned = (ITrainedAttack<IClassifier>)trained.Attack;
            using var file = new MemoryStream();
            SafeTensors.Write(file, learned.Learned!);
            file.Position = 0;
            using SafeTensorsFile read = SafeTensors.Read(file);
            using ITrainedAttack<IClassifier> again = ((ITrainedAttack<IClassifier>)untrained.Attack).WithLearned(
                _problem.Model,
                read.Tensors
            );
            Assert.True(again.IsTrained);
            Assert.Equal(
                trained.Run(_problem.Model, run).Single().Images.ToArray<float>(),
                AttackDispatch.Run(again, _problem.Model, run with { Epsilons = null }).Single().Images.ToArray<float>()
            );
        }
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Training_can_be_cancelled_and_leaves_only_what_it_learned(string text)
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            AttackCatalog
                .Parse(text)
                .Train(
                    _problem.Model,
                    new AttackRun(_problem.Images, _problem.Goal(false), 1) { Cancellation = cancelled.Token }
                )
        );
        Settle();
        // What earlier tests left to the collector must not go in between.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Settled.Tensors();
        (
            (IDisposable)
                AttackCatalog
                    .Parse(text)
                    .Train(_problem.Model, new AttackRun(_problem.Images, _problem.Goal(false), 1))
                    .Attack
        ).Dispose();
        Assert.Equal(before, LiveTensors.Count);
    }

    [Fact]
    public void A_trained_attack_for_another_kind_of_goal_says_so()
    {
        foreach (string text in new[] { "uap", "uan:epochs=1", "atn:epochs=1", "advgan:epochs=1" })
        {
            AttackSpec trained = AttackCatalog
                .Parse(text)
                .Train(_problem.Model, new AttackRun(_problem.Images, _problem.Goal(false), 1));
            using Tensor targets = full([10], 2.0, ScalarType.Int64);
            Assert.Contains(
                "was trained untargeted",
                Assert
                    .Throws<UserErrorException>(() =>
                        trained.Run(_problem.Model, new AttackRun(_problem.Images, Goal.Targeted(targets), 1))
                    )
                    .Message,
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public void An_attack_that_does_not_learn_is_the_same_after_training()
    {
        AttackSpec fgsm = AttackCatalog.Parse("fgsm");
        Assert.Same(fgsm, fgsm.Train(_problem.Model, new AttackRun(_problem.Images, _problem.Goal(false), 1)));
    }

    [Fact]
    public void A_universal_perturbation_fools_a_linear_model_as_one_of_its_budget_can()
    {
        // All images of one class: the way to the nearest boundary that fools one fools all.
        var problem = new LinearProblem(Norm.Linf, classes: 2, count: 40, seed: 5);
        long[] labels = problem.Labels.ToArray<long>();
        long[] rows = [.. Enumerable.Range(0, 40).Where(i => labels[i] == labels[0]).Select(i => (long)i)];
        using Tensor index = tensor(rows);
        using Tensor images = problem.Images.index_select(0, index);
        Goal goal = problem.Goal(false).Select(index);
        foreach (string text in new[] { "uap:eps=0.0196,0.0204,delta=0", "uan:eps=0.0196,0.0210,epochs=60" })
        {
            IReadOnlyList<AttackResult> results = AttackCatalog
                .Parse(text)
                .Train(problem.Model, new AttackRun(images, goal, 1))
                .Run(problem.Model, new AttackRun(images, goal, 1));
            Assert.All(results[0].Succeeded, Assert.False);
            Assert.All(results[1].Succeeded, Assert.True);
        }
    }

    [Fact]
    public void The_attack_on_a_substitute_and_its_options_read_back()
    {
        AttackSpec spec = AttackCatalog.Parse("substitute:eps=0.1,0.2,attack=pgd:norm=l2+steps=7,net=b");
        var attack = Assert.IsType<Substitute>(spec.Attack);
        Assert.Equal(new ProjectedGradientDescent { Norm = Norm.L2, Steps = 7 }, attack.Inner);
        Assert.Equal((Norm.L2, 0.1, "classifier-b"), (attack.Norm, attack.Epsilon, attack.Architecture));
        Assert.Equal("substitute:eps=0.1,0.2,attack=pgd:norm=l2+steps=7,net=classifier-b", spec.Text);
        Assert.Equal(2, AttackCatalog.Parse("substitute:attack=pgd:norm=l2").Epsilons[0]);
        Assert.Contains(
            "an attack with a budget that does not learn",
            Assert.Throws<UserErrorException>(() => AttackCatalog.Parse("transfer:attack=cw-l2")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no option stepz",
            Assert.Throws<UserErrorException>(() => AttackCatalog.Parse("transfer:attack=pgd:stepz=1")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "name them",
            Assert
                .Throws<UserErrorException>(() =>
                    AttackCatalog
                        .Parse("transfer")
                        .Train(_problem.Model, new AttackRun(_problem.Images, _problem.Goal(false), 1))
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_substitute_is_trained_on_labels_alone()
    {
        AttackSpec trained = AttackCatalog
            .Parse("substitute:rounds=3,epochs=2")
            .Train(new LabelsOnly(_problem.Model), new AttackRun(_problem.Images, _problem.Goal(false), 1));
        Assert.Equal(10 + 10 + 20, trained.Training!.Queries);
        Assert.Single(
            trained.Run(new LabelsOnly(_problem.Model), new AttackRun(_problem.Images, _problem.Goal(false), 1))
        );
    }

    private static void Settle()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private sealed class LabelsOnly(IPredictor model) : IPredictor
    {
        public ImageShape Shape => model.Shape;

        public int Classes => model.Classes;

        public Tensor Predict(Images images) => model.Predict(images);
    }
}
