using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Defenses.Breaks;
using Parry.Defenses.Training;
using Parry.Models.Training;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Generative;
using Parry.Tests.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public sealed class RobustManifoldTests : IDisposable
{
    private static readonly AdversarialTraining s_beside = new(
        new ProjectedGradientDescent
        {
            Norm = Norm.L2,
            Epsilon = 0.3,
            Steps = 2,
        }
    );

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_pairs_that_are_found_join_the_loss_of_the_batch_when_an_epoch_is_due()
    {
        using var scope = NewDisposeScope();
        using var linear = new LinearPiece(scale: 3);
        RobustManifold training = Make();
        TrainingPiece due = linear.Piece with { Epoch = 10 };
        double without = linear.LossOf(s_beside, due).Loss.Item();
        ManifoldPairs pairs = training.Pairs(due);
        long[] found = [.. Enumerable.Range(0, LinearPiece.Count).Where(i => pairs.Found[i]).Select(i => (long)i)];
        Assert.NotEmpty(found);
        Tensor rows = tensor(found);
        Tensor first = linear.Probabilities(pairs.First.index_select(0, rows));
        Tensor second = linear.Probabilities(pairs.Second.index_select(0, rows));
        Assert.All(
            first.argmax(1).ToArray<long>().Zip(second.argmax(1).ToArray<long>()),
            pair => Assert.NotEqual(pair.First, pair.Second)
        );
        double differing = -first.mul(second.log()).sum().Item() / found.Length;
        Assert.Equal(without + (0.5 * LinearPiece.Count * differing), linear.LossOf(training, due).Loss.Item(), 1e-3);

        foreach (double epoch in new[] { 0, 1, 5.5, 9 })
        {
            TrainingPiece other = linear.Piece with { Epoch = epoch };
            Assert.Equal(linear.LossOf(s_beside, other).Loss.Item(), linear.LossOf(training, other).Loss.Item());
        }
    }

    [Fact]
    public void The_squared_difference_of_near_pairs_shares_the_loss_with_that_of_the_images()
    {
        using var scope = NewDisposeScope();
        using var linear = new LinearPiece(scale: 3);
        RobustManifold training = Make(PairDifference.Squared) with { Weight = 0.3 };
        TrainingPiece due = linear.Piece with { Epoch = 10 };
        double images = linear.LossOf(s_beside, due).Loss.Item();
        ManifoldPairs pairs = training.Pairs(due);
        double[] differences =
        [
            .. Enumerable
                .Range(0, LinearPiece.Count)
                .Where(i => Norm.L2.Of(pairs.First[i..(i + 1)] - pairs.Second[i..(i + 1)]).Item() <= 2)
                .Select(i =>
                    (linear.Probabilities(pairs.First[i..(i + 1)]) - linear.Probabilities(pairs.Second[i..(i + 1)]))
                        .pow(2)
                        .sum()
                        .Item()
                ),
        ];
        Assert.NotEmpty(differences);
        Assert.Contains(differences, difference => difference > 0.01);
        double expected = (0.7 * images) + (0.3 * LinearPiece.Count * differences.Average());
        Assert.Equal(expected, linear.LossOf(training, due).Loss.Item(), 1e-3);

        TrainingPiece other = linear.Piece with { Epoch = 9 };
        Assert.Equal(
            0.7 * linear.LossOf(s_beside, other).Loss.Item(),
            linear.LossOf(training, other).Loss.Item(),
            1e-4
        );
    }

    [Fact]
    public void Searches_may_be_several_in_an_epoch()
    {
        using var scope = NewDisposeScope();
        using var linear = new LinearPiece(scale: 3);
        RobustManifold training = Make() with { Every = 0.25 };
        double[] due =
        [
            .. Enumerable
                .Range(0, 40)
                .Select(batch => linear.Piece with { Epoch = batch / 20.0, Step = 1 / 20.0 })
                .Where(piece =>
                    linear.LossOf(training, piece).Loss.Item() != linear.LossOf(s_beside, piece).Loss.Item()
                )
                .Select(piece => piece.Epoch),
        ];
        Assert.Equal([0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75], due);
    }

    [Fact]
    public void A_resumed_run_gives_the_weights_of_an_unbroken_one_bit_for_bit_and_not_those_of_one_without_pairs()
    {
        RobustManifold loss = Make() with { Every = 1 };
        ClassifierTraining recipe = new()
        {
            Architecture = "e",
            Epochs = 3,
            BatchSize = 50,
            Seed = 7,
            Loss = loss,
        };
        string checkpoint = Path.Combine(_folder.Path, "checkpoint.safetensors");
        using var whole = new ClassifierTrainer(recipe, ToySet.Make(120));
        whole.Run();
        using (var first = new ClassifierTrainer(recipe, ToySet.Make(120)))
        {
            first.RunEpoch();
            AtomicFile.Write(checkpoint, first.Save);
        }

        using var second = new ClassifierTrainer(recipe, ToySet.Make(120));
        second.Resume(checkpoint);
        second.Run();
        Assert.Equal(Weights(whole), Weights(second));
        using var plain = new ClassifierTrainer(recipe with { Loss = s_beside }, ToySet.Make(120));
        plain.Run();
        Assert.NotEqual(Weights(plain), Weights(whole));
        using var other = new ClassifierTrainer(recipe with { Loss = loss with { Weight = 1 } }, ToySet.Make(120));
        Assert.Contains(
            "weight 0.5",
            Assert.Throws<UserErrorException>(() => other.Resume(checkpoint)).Message,
            StringComparison.Ordinal
        );
    }

    private static float[] Weights(ClassifierTrainer trainer) => VaeTests.Weights(trainer.Classifier.Network);

    private static RobustManifold Make(PairDifference difference = PairDifference.CrossEntropy)
    {
        using var random = new Generator(3);
        return new(
            s_beside,
            new PairSearch(
                new LinearGenerator(
                    ToySet.Shape,
                    randn([4, ToySet.Shape.Pixels], generator: random).mul(0.3).DetachFromDisposeScope(),
                    0.5
                )
            )
            {
                Difference = difference,
                Distance = 2,
                Steps = 200,
            },
            "lines"
        )
        {
            Weight = 0.5,
        };
    }
}
