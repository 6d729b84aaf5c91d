using Parry.Data;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Models.Training;
using Parry.Runtime;
using Parry.Tests.Data;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

/// <summary>The training of networks with batch normalization.</summary>
public sealed class NormalizedTrainingTests : IDisposable
{
    private static readonly ImageSet s_images = Colors(side: 8, count: 12);

    private static readonly ClassifierTraining s_recipe = new()
    {
        Architecture = "resnet32",
        Epochs = 2,
        BatchSize = 5,
        LearningRate = 0.05,
        Momentum = 0.9,
        WeightDecay = 1e-3,
        Milestones = [1],
        Mirror = true,
        Crop = 2,
        Seed = 7,
    };

    private readonly TemporaryFolder _folder = new();

    private string Checkpoint => Path.Combine(_folder.Path, "checkpoint.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Running_statistics_are_those_of_the_batch_after_one_step()
    {
        using var scope = NewDisposeScope();
        using var trainer = new ClassifierTrainer(
            new ClassifierTraining { Architecture = "resnet32", BatchSize = s_images.Count },
            s_images
        );
        Dictionary<string, Tensor> before = Copied(trainer);
        trainer.Step();
        Dictionary<string, Tensor> after = Copied(trainer);
        var (images, _) = s_images.Batch([.. Enumerable.Range(0, s_images.Count)]);
        Tensor maps = nn.functional.conv2d(images, before["conv1.conv.weight"], padding: [1, 1]);
        Tensor mean = 0.1 * maps.mean([0, 2, 3]);
        Tensor variance = 0.9 + (0.1 * maps.transpose(0, 1).flatten(1).var(1));
        Assert.InRange((after["conv1.norm.running_mean"] - mean).abs().max().Item(), 0, 1e-6);
        Assert.InRange((after["conv1.norm.running_var"] - variance).abs().max().Item(), 0, 1e-5);
    }

    [Fact]
    public void Running_statistics_count_a_batch_once_when_weights_are_perturbed()
    {
        using var scope = NewDisposeScope();
        using var trainer = new ClassifierTrainer(
            new ClassifierTraining
            {
                Architecture = "resnet32",
                BatchSize = s_images.Count,
                WeightPerturbation = 0.01,
            },
            s_images
        );
        Tensor weights = Copied(trainer)["conv1.conv.weight"];
        trainer.Step();
        Dictionary<string, Tensor> after = Copied(trainer);
        var (images, _) = s_images.Batch([.. Enumerable.Range(0, s_images.Count)]);
        Tensor maps = nn.functional.conv2d(images, weights, padding: [1, 1]);
        Tensor variance = 0.9 + (0.1 * maps.transpose(0, 1).flatten(1).var(1));
        Assert.InRange((after["conv1.norm.running_var"] - variance).abs().max().Item(), 1e-6, 0.01);
    }

    [Fact]
    public void What_an_attack_asks_of_the_network_in_training_leaves_it_as_it_is()
    {
        using ClassifierTrainer plain = Trained(s_recipe);
        using ClassifierTrainer asked = Trained(s_recipe with { Loss = new Asking() });
        Assert.Equal(State(plain), State(asked));
    }

    [Theory]
    [InlineData("resnet32", 8)]
    [InlineData("vgg13-bn", 32)]
    public void A_resumed_run_gives_the_state_of_an_unbroken_one_bit_for_bit(string architecture, int side)
    {
        ClassifierTraining recipe = s_recipe with { Architecture = architecture };
        ImageSet images = Colors(side, count: 6);
        using ClassifierTrainer whole = Trained(recipe, images);
        using (var first = new ClassifierTrainer(recipe, images))
        {
            first.RunEpoch();
            AtomicFile.Write(Checkpoint, first.Save);
        }

        using var second = new ClassifierTrainer(recipe, images);
        second.Resume(Checkpoint);
        second.Run();
        Assert.Equal(State(whole), State(second));
    }

    [Fact]
    public void Saved_weights_load_in_the_same_state()
    {
        using var scope = NewDisposeScope();
        using ClassifierTrainer trainer = Trained(s_recipe);
        ModelFile.Save(Checkpoint, trainer.Classifier.Network, trainer.Describe("colors", "parry train classifier"));
        var (classifier, description) = ModelFile.LoadClassifier(Checkpoint);
        using (classifier)
        {
            Assert.Equal("resnet32", description.Architecture);
            Assert.Equal(State(trainer), State(classifier.Network));
            var (images, _) = s_images.Batch([0, 1, 2, 3]);
            Assert.Equal(
                trainer.Classifier.Logits(Images.Of(images)).ToArray<float>(),
                classifier.Logits(Images.Of(images)).ToArray<float>()
            );
        }
    }

    [Fact]
    public void It_learns_and_ends_in_evaluation_mode()
    {
        using ClassifierTrainer trainer = Trained(
            new ClassifierTraining
            {
                Architecture = "resnet32",
                Epochs = 12,
                BatchSize = 12,
            }
        );
        Assert.All(trainer.Classifier.Network.modules(), module => Assert.False(module.training));
        Assert.Equal(1, Accuracy.Of(trainer.Classifier, s_images));
    }

    private static ImageSet Colors(int side, int count)
    {
        int plane = side * side;
        byte[] pixels = TestData.Pixels(count * 3 * plane);
        int[] labels = [.. Enumerable.Range(0, count).Select(i => i % 3)];
        for (int i = 0; i < count; i++)
            pixels.AsSpan(((i * 3) + labels[i]) * plane, plane).Fill(250);
        return new ImageSet("colors", new ImageShape(3, side, side), pixels, labels, ["red", "green", "blue"]);
    }

    private static ClassifierTrainer Trained(ClassifierTraining recipe, ImageSet? images = null)
    {
        var trainer = new ClassifierTrainer(recipe, images ?? s_images);
        trainer.Run();
        return trainer;
    }

    private static Dictionary<string, Tensor> Copied(ClassifierTrainer trainer) =>
        trainer.Classifier.Network.State().ToDictionary(entry => entry.Key, entry => entry.Value.detach().clone());

    private static float[] State(ClassifierTrainer trainer) => State(trainer.Classifier.Network);

    private static float[] State(nn.Module network) =>
        [.. network.State().SelectMany(entry => entry.Value.ToArray<float>())];

    private sealed record Asking : ITrainingLoss
    {
        public string? Description => null;

        public (Tensor Loss, Tensor Logits) Of(nn.Module<Tensor, Tensor> network, TrainingPiece piece)
        {
            var seen = new Images(piece.Images, piece.Random.Samples);
            piece.Classifier.Gradient(seen, logits => logits.logsumexp(1));
            return new CrossEntropy().Of(network, piece);
        }
    }
}
