using Parry.Data;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Models.Training;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public sealed class ClassifierTrainerTests : IDisposable
{
    // D draws dropout; a batch of 50 is cut into two pieces, and the last one of an epoch is smaller.
    private static readonly ClassifierTraining s_options = new()
    {
        Architecture = "d",
        Epochs = 4,
        BatchSize = 50,
        Seed = 7,
        FinalLearningRate = 1e-4,
    };
    private static readonly ImageSet s_images = ToySet.Make(120);

    private readonly TemporaryFolder _folder = new();

    private string Checkpoint => Path.Combine(_folder.Path, "checkpoint.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Training_lowers_the_loss_and_finds_the_classes()
    {
        using var trainer = new ClassifierTrainer(
            s_options with
            {
                FinalLearningRate = null,
            },
            s_images,
            ToySet.Make(60, seed: 2)
        );
        var seen = new List<TrainingProgress>();
        trainer.Run(progress: seen.Add);
        Assert.Equal(4 * 3, seen.Count);
        Assert.Equal((4, 3, 3), (seen[^1].Epoch, seen[^1].Batch, seen[^1].Batches));
        Assert.True(seen[^1].Loss < seen[0].Loss / 2, $"{seen[0].Loss} fell to {seen[^1].Loss} only");
        Assert.Equal(
            [3, 6, 9, 12],
            seen.Select((progress, i) => progress.ValidationAccuracy is null ? 0 : i + 1).Where(i => i > 0)
        );
        Assert.True(seen[^1].ValidationAccuracy > 0.9);
        Assert.Equal(seen[^1].ValidationAccuracy, Accuracy.Of(trainer.Classifier, ToySet.Make(60, seed: 2)));
    }

    [Fact]
    public void A_resumed_run_gives_the_weights_of_an_unbroken_one_bit_for_bit()
    {
        using var whole = new ClassifierTrainer(s_options, s_images);
        whole.Run();
        using (var first = new ClassifierTrainer(s_options, s_images))
        {
            first.RunEpoch();
            first.RunEpoch();
            AtomicFile.Write(Checkpoint, first.Save);
        }

        using var second = new ClassifierTrainer(s_options, s_images);
        second.Resume(Checkpoint);
        Assert.Equal(2, second.Epoch);
        second.Run();
        Assert.Equal(Weights(whole), Weights(second));
    }

    [Fact]
    public void A_run_that_dies_in_an_epoch_or_while_writing_goes_on_from_the_last_whole_checkpoint()
    {
        using var whole = new ClassifierTrainer(s_options, s_images);
        whole.Run();
        using (var dying = new ClassifierTrainer(s_options, s_images))
        {
            Assert.Throws<TimeZoneNotFoundException>(() =>
                dying.Run(
                    Checkpoint,
                    progress => _ = progress is { Epoch: 3, Batch: 2 } ? throw new TimeZoneNotFoundException() : 0
                )
            );
            Assert.Throws<TimeZoneNotFoundException>(() =>
                AtomicFile.Write(
                    Checkpoint,
                    stream =>
                    {
                        stream.Write(new byte[100]);
                        throw new TimeZoneNotFoundException();
                    }
                )
            );
        }

        Assert.Equal([Checkpoint], Directory.GetFiles(_folder.Path));
        using var next = new ClassifierTrainer(s_options, s_images);
        next.Resume(Checkpoint);
        Assert.Equal(2, next.Epoch);
        next.Run(Checkpoint);
        Assert.Equal(Weights(whole), Weights(next));
    }

    [Fact]
    public void The_seed_decides_the_weights()
    {
        using ClassifierTrainer one = Trained(s_options);
        using ClassifierTrainer same = Trained(s_options);
        using ClassifierTrainer other = Trained(s_options with { Seed = 8 });
        Assert.Equal(Weights(one), Weights(same));
        Assert.NotEqual(Weights(one), Weights(other));
    }

    [Fact]
    public void The_reading_of_dropout_changes_what_is_learned()
    {
        using ClassifierTrainer drop = Trained(s_options with { Architecture = "a" });
        using ClassifierTrainer keep = Trained(s_options with { Architecture = "a", Dropout = DropoutReading.Keep });
        Assert.NotEqual(Weights(drop), Weights(keep));
    }

    [Fact]
    public void A_checkpoint_of_another_recipe_or_a_damaged_one_is_refused()
    {
        using (ClassifierTrainer trainer = Trained(s_options))
            AtomicFile.Write(Checkpoint, trainer.Save);
        using var other = new ClassifierTrainer(s_options with { Seed = 8 }, s_images);
        Assert.Contains(
            "seed 7",
            Assert.Throws<UserErrorException>(() => other.Resume(Checkpoint)).Message,
            StringComparison.Ordinal
        );

        byte[] bytes = File.ReadAllBytes(Checkpoint);
        File.WriteAllBytes(Checkpoint, bytes[..^10]);
        using var same = new ClassifierTrainer(s_options, s_images);
        Assert.Contains(
            "truncated",
            Assert.Throws<UserErrorException>(() => same.Resume(Checkpoint)).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<UserErrorException>(() => same.Resume(Checkpoint + ".none"));
        Assert.Equal(0, same.Epoch);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        foreach (
            ClassifierTraining options in new[]
            {
                s_options with
                {
                    Epochs = 0,
                },
                s_options with
                {
                    BatchSize = 0,
                },
                s_options with
                {
                    LearningRate = 0,
                },
                s_options with
                {
                    LearningRate = double.NaN,
                },
                s_options with
                {
                    Architecture = "z",
                },
                s_options with
                {
                    Architecture = "vgg13-bn",
                },
                s_options with
                {
                    Momentum = 1,
                },
                s_options with
                {
                    WeightDecay = -1,
                },
                s_options with
                {
                    WeightPerturbation = 1,
                },
                s_options with
                {
                    WeightPerturbation = double.NaN,
                },
                s_options with
                {
                    Milestones = [3, 2],
                },
                s_options with
                {
                    Milestones = [0],
                },
                s_options with
                {
                    Crop = -1,
                },
            }
        )
            Assert.Throws<UserErrorException>(() => new ClassifierTrainer(options, s_images));
    }

    [Fact]
    public void A_loss_that_is_no_number_stops_the_training_and_keeps_the_last_good_checkpoint()
    {
        using var trainer = new ClassifierTrainer(s_options with { Loss = new Diverging(From: 2) }, s_images);
        var stopped = Assert.Throws<TrainingDivergedException>(() => trainer.Run(Checkpoint));
        Assert.Equal(2, trainer.Epoch);
        Assert.Contains("epoch 3", stopped.Message, StringComparison.Ordinal);
        Assert.All(Weights(trainer), weight => Assert.True(float.IsFinite(weight)));
        using var next = new ClassifierTrainer(s_options with { Loss = new Diverging(From: 2) }, s_images);
        next.Resume(Checkpoint);
        Assert.Equal(2, next.Epoch);
    }

    [Fact]
    public void Weights_that_are_no_numbers_are_not_saved()
    {
        // The loss stays finite, its gradient does not.
        using var trainer = new ClassifierTrainer(
            s_options with
            {
                Loss = new Diverging(From: 1, ByGradient: true),
                BatchSize = 120,
            },
            s_images
        );
        Assert.Throws<TrainingDivergedException>(() => trainer.Run(Checkpoint));
        Assert.Equal(1, trainer.Epoch);
    }

    [Fact]
    public void Cancelling_stops_between_batches()
    {
        using var trainer = new ClassifierTrainer(s_options, s_images);
        using var stop = new CancellationTokenSource();
        int batches = 0;
        Assert.Throws<OperationCanceledException>(() =>
            trainer.Run(
                progress: _ =>
                {
                    batches++;
                    stop.Cancel();
                },
                cancellation: stop.Token
            )
        );
        Assert.Equal(1, batches);
    }

    [Fact]
    public void Training_leaves_no_tensors_behind()
    {
        // What earlier tests left to the collector must not go in between.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Settled.Tensors();
        using (ClassifierTrainer trainer = Trained(s_options))
            _ = Accuracy.Of(trainer.Classifier, s_images);
        Assert.Equal(before, LiveTensors.Count);
    }

    [Fact]
    public void Accuracy_refuses_images_of_another_shape()
    {
        using ClassifierTrainer trainer = Trained(s_options with { Epochs = 1 });
        var other = new ImageSet("other", new ImageShape(1, 2, 2), new byte[4], new int[1], ["a"]);
        Assert.Contains(
            "1x2x2",
            Assert.Throws<UserErrorException>(() => Accuracy.Of(trainer.Classifier, other)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_trained_classifier_is_saved_with_what_made_it()
    {
        using ClassifierTrainer trainer = Trained(s_options);
        ModelFile.Save(Checkpoint, trainer.Classifier.Network, trainer.Describe("toy", "parry train classifier", 0.5));
        var (classifier, description) = ModelFile.LoadClassifier(Checkpoint);
        using (classifier)
            Assert.Equal(Accuracy.Of(trainer.Classifier, s_images), Accuracy.Of(classifier, s_images));
        Assert.Equal(
            ("classifier-d", 7L, 0.5, DropoutReading.Drop),
            (description.Architecture, description.Seed, description.TestAccuracy, description.Dropout)
        );
        Assert.Equal(s_images.ClassNames, description.ClassNames);
    }

    [FactIfData("fashion-mnist", DataPart.Train)]
    public void Network_E_learns_Fashion_MNIST_in_one_epoch_of_5000_images()
    {
        ImageSet train = DataSets.FashionMnist.Load(DataPart.Train, Split.DefenseGan).Take(5000);
        using var trainer = new ClassifierTrainer(new ClassifierTraining { Architecture = "e", Epochs = 1 }, train);
        trainer.Run();
        Assert.True(
            Accuracy.Of(
                trainer.Classifier,
                DataSets.FashionMnist.Load(DataPart.Validation, Split.DefenseGan).Take(2000)
            ) > 0.75
        );
    }

    private static ClassifierTrainer Trained(ClassifierTraining options)
    {
        var trainer = new ClassifierTrainer(options with { Epochs = 2 }, s_images);
        trainer.Run();
        return trainer;
    }

    private static float[] Weights(ClassifierTrainer trainer) =>
        [.. trainer.Classifier.Network.State().SelectMany(entry => entry.Value.ToArray<float>())];

    private sealed record Diverging(int From, bool ByGradient = false) : ITrainingLoss
    {
        public string Description => "diverging";

        public (Tensor Loss, Tensor Logits) Of(nn.Module<Tensor, Tensor> network, TrainingPiece piece)
        {
            var (loss, logits) = new CrossEntropy().Of(network, piece);
            if (piece.Epoch < From)
                return (loss, logits);

            // The square root's slope at 0 is infinite, and infinite times 0 is no number.
            return (ByGradient ? loss.add(logits.sum().mul(0.0).sqrt().mul(0.0)) : loss.mul(double.NaN), logits);
        }
    }
}
