using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Data;
using Parry.Defenses.Training;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Models.Training;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public sealed class AdversarialTrainingTests : IDisposable
{
    private static readonly ImageSet s_images = ToySet.Make(120);
    private static readonly ClassifierTraining s_recipe = new()
    {
        Architecture = "e",
        Epochs = 4,
        BatchSize = 50,
        Seed = 7,
    };

    private readonly TemporaryFolder _folder = new();

    private string Checkpoint => Path.Combine(_folder.Path, "checkpoint.safetensors");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.25)]
    [InlineData(1)]
    public void Loss_and_gradient_of_a_linear_network_are_the_weighted_formula_with_the_attack_held_constant(
        double share
    )
    {
        using var scope = NewDisposeScope();
        using var linear = new LinearPiece();
        var (weight, bias) = (linear.Linear.weight, linear.Linear.bias!);
        TrainingPiece piece = linear.Piece;
        var training = new AdversarialTraining(new FastGradientSign { Epsilon = 0.05 }) { Share = share };
        var (loss, _) = linear.LossOf(training);
        Tensor?[] gradients = Autograd.Grad([loss], [weight, bias]);

        // FGSM leaves the network's own prediction: x + eps · sign(Wᵀ(p - e(prediction))).
        using var frozen = no_grad();
        Tensor clean = linear.Probabilities(piece.Images);
        Tensor truth = LinearPiece.OneHot(piece.Labels);
        Tensor own = LinearPiece.OneHot(clean.argmax(1));
        Assert.NotEqual(truth.ToArray<float>(), own.ToArray<float>());
        Tensor attacked = piece
            .Images.add(clean.sub(own).mm(weight).sign().mul(0.05).reshape(LinearPiece.Count, 1, 6, 6))
            .clamp(0.0, 1.0);
        Tensor under = linear.Probabilities(attacked);
        double expected =
            -((1 - share) * truth.mul(clean.log()).sum().Item()) - (share * truth.mul(under.log()).sum().Item());
        Assert.Equal(expected, loss.Item(), 1e-4);
        Tensor byWeight = clean
            .sub(truth)
            .transpose(0, 1)
            .mm(piece.Images.flatten(1))
            .mul(1 - share)
            .add(under.sub(truth).transpose(0, 1).mm(attacked.flatten(1)).mul(share));
        Assert.InRange(byWeight.sub(gradients[0]!).abs().amax([0, 1]).Item(), 0, 1e-4);
    }

    [Fact]
    public void One_step_attacks_leave_the_prediction_and_others_the_true_class()
    {
        using var linear = new LinearPiece();
        long[] truth = linear.Piece.Labels.ToArray<long>();
        var seen = new Recorder();
        linear.LossOf(new AdversarialTraining(seen));
        Assert.Equal(truth, seen.Labels);
        Assert.Equal(1, new AdversarialTraining(seen).Share);
        Assert.Equal(0.5, new AdversarialTraining(new FastGradientSign()).Share);
    }

    [Fact]
    public void The_attack_is_not_recorded_by_autograd_and_its_budget_grows_with_the_warm_up()
    {
        using var linear = new LinearPiece();
        var seen = new Recorder { Epsilon = 0.3 };
        linear.LossOf(new AdversarialTraining(seen) { WarmUp = 2 });
        linear.LossOf(new AdversarialTraining(seen) { WarmUp = 2 }, linear.Piece with { Epoch = 3 });
        linear.LossOf(new AdversarialTraining(seen));
        Assert.Equal([0.075, 0.3, 0.3], seen.Budgets);
        Assert.False(seen.Recorded);
    }

    [Fact]
    public void In_training_the_attack_sees_frozen_weights_in_evaluation_mode()
    {
        var seen = new Recorder();
        using (Train(new AdversarialTraining(seen), s_recipe with { Architecture = "d", Epochs = 1 }))
        {
            Assert.NotEmpty(seen.Budgets);
            Assert.False(seen.Trainable);
        }
    }

    [Fact]
    public void The_source_of_a_batch_is_decided_by_its_seed_and_every_one_has_its_turn_as_often()
    {
        using var linear = new LinearPiece();
        var training = new AdversarialTraining(new FastGradientSign())
        {
            Sources = [("one", linear.Classifier), ("two", linear.Classifier)],
        };
        int[] drawn = [.. Enumerable.Range(0, 3000).Select(seed => training.SourceOf(seed))];
        Assert.Equal(drawn, Enumerable.Range(0, 3000).Select(seed => training.SourceOf(seed)));
        for (int source = 0; source < 3; source++)
            Assert.InRange(drawn.Count(number => number == source), 900, 1100);
        Assert.Equal(0, new AdversarialTraining(new FastGradientSign()).SourceOf(5));
    }

    [Fact]
    public void A_batch_is_attacked_on_its_source()
    {
        using var linear = new LinearPiece();
        var other = new LinearClassifier(linear.Classifier.Shape, LinearPiece.Classes);
        var seen = new Recorder();
        var training = new AdversarialTraining(seen) { Sources = [("other", other)] };
        foreach (long seed in Enumerable.Range(0, 20))
            linear.LossOf(training, linear.Piece with { BatchSeed = seed });
        Assert.Equal(
            Enumerable.Range(0, 20).Select(seed => training.SourceOf(seed) == 1),
            seen.Models.Select(model => ReferenceEquals(model, other))
        );
        Assert.Contains(other, seen.Models);
        Assert.Contains(linear.Classifier, seen.Models);
    }

    [Fact]
    public void A_resumed_run_gives_the_weights_of_an_unbroken_one_bit_for_bit()
    {
        using var statics = new ClassifierTrainer(s_recipe with { Epochs = 1 }, s_images);
        statics.Run();
        var loss = new AdversarialTraining(new ProjectedGradientDescent { Epsilon = 0.1, Steps = 3 })
        {
            Share = 0.5,
            WarmUp = 2,
            Sources = [("static", statics.Classifier)],
        };
        using ClassifierTrainer whole = Train(loss, s_recipe);
        using (var first = new ClassifierTrainer(s_recipe with { Loss = loss }, s_images))
        {
            first.RunEpoch();
            AtomicFile.Write(Checkpoint, first.Save);
        }

        using var second = new ClassifierTrainer(s_recipe with { Loss = loss }, s_images);
        second.Resume(Checkpoint);
        second.Run();
        Assert.Equal(Weights(whole), Weights(second));

        using var other = new ClassifierTrainer(s_recipe with { Loss = loss with { Share = 1 } }, s_images);
        Assert.Contains(
            "share 0.5",
            Assert.Throws<UserErrorException>(() => other.Resume(Checkpoint)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_trained_network_withstands_what_an_ordinary_one_does_not()
    {
        ClassifierTraining recipe = s_recipe with { Epochs = 15, LearningRate = 3e-3 };
        var attack = new ProjectedGradientDescent { Epsilon = 0.25, Steps = 5 };
        using ClassifierTrainer plain = Train(new CrossEntropy(), recipe);
        using ClassifierTrainer robust = Train(new AdversarialTraining(attack) { WarmUp = 3 }, recipe);
        double before = Withstood(plain);
        double after = Withstood(robust);
        Assert.True(after > before + 0.2, $"{before} withstood before, {after} after");

        double Withstood(ClassifierTrainer trainer)
        {
            using var scope = NewDisposeScope();
            ImageSet test = ToySet.Make(60, seed: 2);
            using AttackResult result = AttackRunner.Run(
                attack,
                trainer.Classifier,
                test.ImageTensor(),
                Goal.Untargeted(test.LabelTensor()),
                seed: 1
            );
            return result.Attacked.Zip(result.Succeeded).Count(row => row.First && !row.Second) / 60.0;
        }
    }

    [Fact]
    public void What_was_trained_is_said_in_the_weight_file()
    {
        var loss = new AdversarialTraining(
            new ProjectedGradientDescent
            {
                Epsilon = 0.1,
                Steps = 3,
                Step = 0.05,
            }
        )
        {
            AttackText = "pgd:eps=0.1,step=0.05,steps=3",
        };
        using ClassifierTrainer trainer = Train(loss, s_recipe with { Epochs = 1 });
        ModelFile.Save(Checkpoint, trainer.Classifier.Network, trainer.Describe("toy", "parry train classifier"));
        Assert.Equal(
            "adversarial training with pgd:eps=0.1,step=0.05,steps=3, share 1",
            ModelFile.Describe(Checkpoint).Training
        );
    }

    [Fact]
    public void Noise_is_added_to_what_the_network_learns_from()
    {
        using var scope = NewDisposeScope();
        using var linear = new LinearPiece();
        TrainingPiece piece = linear.Piece;
        var (loss, _) = linear.LossOf(new NoiseAugmentation(0.3));
        using var frozen = no_grad();
        Tensor noisy = piece.Images.add(piece.Random.Normal(0, 1, 6, 6).mul(0.3));
        Assert.Equal(
            -LinearPiece.OneHot(piece.Labels).mul(linear.Probabilities(noisy).log()).sum().Item(),
            loss.Item(),
            1e-4
        );
    }

    [Fact]
    public void A_share_out_of_range_is_refused() =>
        Assert.Throws<UserErrorException>(() => new AdversarialTraining(new FastGradientSign()) { Share = 1.5 });

    private static ClassifierTrainer Train(ITrainingLoss loss, ClassifierTraining recipe)
    {
        var trainer = new ClassifierTrainer(recipe with { Loss = loss }, s_images);
        trainer.Run();
        return trainer;
    }

    private static float[] Weights(ClassifierTrainer trainer) =>
        [.. trainer.Classifier.Network.State().SelectMany(entry => entry.Value.ToArray<float>())];

    // An attack that changes nothing and remembers what it was given.
    private sealed record Recorder : IBudgetAttack<IClassifier>
    {
        private readonly Lock _lock = new();

        public string Name => "recorder";

        public Norm Norm => Norm.Linf;

        public double Epsilon { get; init; } = 0.1;

        public long[] Labels { get; private set; } = [];

        public List<double> Budgets { get; } = [];

        public List<IClassifier> Models { get; } = [];

        public bool Recorded { get; private set; }

        public bool Trainable { get; private set; }

        public Tensor Perturb(IClassifier model, Batch batch, double epsilon) =>
            PerturbWithin(model, batch, [epsilon])[0];

        public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
        {
            Tensor images = batch.Images;
            Goal goal = batch.Goal;
            lock (_lock)
            {
                Labels = goal.Labels.ToArray<long>();
                Budgets.AddRange(epsilons);
                Models.Add(model);
                Recorded |= is_grad_enabled();
                Trainable |=
                    model is NetworkClassifier network
                    && (
                        network.Network.training
                        || network.Network.Parameters().Any(parameter => parameter.Value.requires_grad)
                    );
                return [images.clone()];
            }
        }
    }
}
