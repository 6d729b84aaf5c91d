using System.Text;
using Parry.Generative.Gans;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public sealed class ModelFileTests : IDisposable
{
    private static readonly ModelDescription s_classifier = new()
    {
        Architecture = "classifier-a",
        Data = "toy",
        Shape = ToySet.Shape,
        ClassNames = ["T-shirt/top", "\"two\", three", "…"],
        Dropout = DropoutReading.Keep,
        TestAccuracy = 0.9251,
        Seed = -3,
        Command = "parry train classifier --data toy --net a",
    };

    private static readonly ModelDescription s_generator = new()
    {
        Architecture = ImageGenerator.Architecture,
        Data = "toy",
        Shape = new ImageShape(1, 8, 8),
        Width = 1,
        Latent = 2,
        Iterations = 5000,
        Seed = 1,
        Command = "parry train gan --data toy",
    };

    private readonly TemporaryFolder _folder = new();

    private string FilePath => Path.Combine(_folder.Path, "model.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_classifier_comes_back_bit_for_bit_with_its_description()
    {
        using nn.Module<Tensor, Tensor> network = SaveClassifier();
        var (classifier, description) = ModelFile.LoadClassifier(FilePath);
        using (classifier)
        {
            Assert.Equal(
                network.State().Select(entry => entry.Key),
                classifier.Network.State().Select(entry => entry.Key)
            );
            Assert.Equal(Weights(network), Weights(classifier.Network));
            Assert.Equal((ToySet.Shape, 3), (classifier.Shape, classifier.Classes));
        }

        AssertSame(s_classifier, description);
        AssertSame(s_classifier, ModelFile.Describe(FilePath));
        Assert.Equal("Parry 0.2.0", description.CreatedBy);
    }

    [Fact]
    public void A_generator_comes_back_bit_for_bit_with_its_description()
    {
        using ImageGenerator made = SaveGenerator();
        var (generator, description) = ImageGenerator.Load(FilePath);
        using (generator)
            Assert.Equal(Weights(made), Weights(generator));
        AssertSame(s_generator, description);
    }

    [Fact]
    public void The_same_weights_make_the_same_bytes()
    {
        using nn.Module<Tensor, Tensor> network = SaveClassifier();
        byte[] first = File.ReadAllBytes(FilePath);
        var (classifier, description) = ModelFile.LoadClassifier(FilePath);
        using (classifier)
            ModelFile.Save(FilePath, classifier.Network, description);
        Assert.Equal(first, File.ReadAllBytes(FilePath));
    }

    [Fact]
    public void A_wrong_or_missing_architecture_is_answered_with_the_known_ones()
    {
        using nn.Module<Tensor, Tensor> network = SaveClassifier(s_classifier with { Architecture = "resnet-50" });
        string wrong = Assert.Throws<UserErrorException>(() => ModelFile.LoadClassifier(FilePath)).Message;
        AtomicFile.Write(FilePath, stream => SafeTensors.Write(stream, network.State()));
        string missing = Assert.Throws<UserErrorException>(() => ModelFile.LoadClassifier(FilePath)).Message;
        Assert.All(
            new[] { wrong, missing },
            message => Assert.All(Classifiers.Names, name => Assert.Contains(name, message, StringComparison.Ordinal))
        );
        Assert.Contains("\"resnet-50\"", wrong, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mislabeled_file_is_refused()
    {
        foreach (
            ModelDescription wrong in new[]
            {
                s_classifier with
                {
                    Architecture = "classifier-c",
                },
                s_classifier with
                {
                    ClassNames = ["a", "b"],
                },
                s_classifier with
                {
                    ClassNames = [],
                },
                s_classifier with
                {
                    Shape = new ImageShape(3, 6, 6),
                },
                s_classifier with
                {
                    Shape = new ImageShape(1, 4, 4),
                },
                s_generator,
            }
        )
        {
            using nn.Module<Tensor, Tensor> network = SaveClassifier(wrong);
            Assert.Throws<UserErrorException>(() => ModelFile.LoadClassifier(FilePath));
        }

        using nn.Module<Tensor, Tensor> classifier = SaveClassifier();
        Assert.Contains(
            "classifier-a",
            Assert.Throws<UserErrorException>(() => ImageGenerator.Load(FilePath)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Weights_of_the_right_number_and_wrong_shape_are_refused()
    {
        using var scope = NewDisposeScope();
        using nn.Module<Tensor, Tensor> network = SaveClassifier();
        var state = network.State().ToDictionary();
        state["fc2.weight"] = state["fc2.weight"].transpose(0, 1);
        AtomicFile.Write(FilePath, stream => SafeTensors.Write(stream, state, SafeTensors.ReadMetadata(FilePath)));
        Assert.Contains(
            "fc2.weight",
            Assert.Throws<UserErrorException>(() => ModelFile.LoadClassifier(FilePath)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("1x9999x9999")]
    [InlineData("16384x16384x16384")]
    [InlineData("1x0x28")]
    [InlineData("1x28")]
    [InlineData("-1x28x28")]
    [InlineData("")]
    public void A_claim_of_another_size_is_refused_before_memory_is_taken(string input)
    {
        foreach (
            ModelDescription description in new[]
            {
                s_classifier with
                {
                    Architecture = "classifier-e",
                },
                s_generator with
                {
                    Width = 9999,
                    Latent = 9999,
                },
            }
        )
        {
            using nn.Module<Tensor, Tensor> network = SaveGenerator();
            var metadata = description.ToMetadata();
            metadata["parry.input"] = input;
            AtomicFile.Write(FilePath, stream => SafeTensors.Write(stream, network.State(), metadata));
            Assert.Throws<UserErrorException>(() =>
                description.Dropout is null ? (object)ImageGenerator.Load(FilePath) : ModelFile.LoadClassifier(FilePath)
            );
        }
    }

    [Fact]
    public void A_missing_or_truncated_file_is_refused_in_one_line()
    {
        Assert.Contains(
            FilePath,
            Assert.Throws<UserErrorException>(() => ModelFile.LoadClassifier(FilePath)).Message,
            StringComparison.Ordinal
        );
        using nn.Module<Tensor, Tensor> network = SaveClassifier();
        byte[] bytes = File.ReadAllBytes(FilePath);
        foreach (int length in new[] { 0, 7, 8, 100, bytes.Length - 1 })
        {
            File.WriteAllBytes(FilePath, bytes[..length]);
            string message = Assert.Throws<UserErrorException>(() => ModelFile.LoadClassifier(FilePath)).Message;
            Assert.Contains(FilePath, message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }
    }

    [Fact]
    public void Weights_without_a_description_are_recognized_by_name_and_size()
    {
        using var random = new Generator(1);
        var shape = new ImageShape(1, 16, 16);
        using nn.Module<Tensor, Tensor> network = Classifiers.Create("lenet", shape, 4, random);
        AtomicFile.Write(
            FilePath,
            stream =>
                SafeTensors.Write(stream, network.State(), new Dictionary<string, string> { ["source"] = "elsewhere" })
        );
        var (classifier, description) = ModelFile.LoadClassifier(FilePath, shape, 4);
        using (classifier)
            Assert.Equal(Weights(network), Weights(classifier.Network));
        Assert.Equal("lenet", description.Architecture);
        Assert.Throws<UserErrorException>(() => ModelFile.LoadClassifier(FilePath, shape, 5));
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Damaged_files_are_refused_or_read_without_harm()
    {
        using nn.Module<Tensor, Tensor> network = SaveGenerator();
        byte[] generator = File.ReadAllBytes(FilePath);
        AtomicFile.Write(FilePath, stream => SafeTensors.Write(stream, [], s_classifier.ToMetadata()));
        byte[] empty = File.ReadAllBytes(FilePath);
        long before = Settled.Tensors();
        Fuzz.Run([generator, generator, empty], length => 200_000 + (20 * length), Read);
        Assert.Equal(before, LiveTensors.Count);

        void Read(byte[] bytes)
        {
            File.WriteAllBytes(FilePath, bytes);
            if (Encoding.UTF8.GetString(bytes).Contains("classifier-a", StringComparison.Ordinal))
                _ = Assert.Throws<UserErrorException>(() => ModelFile.LoadClassifier(FilePath));
            else
                ImageGenerator.Load(FilePath).Network.Dispose();
        }
    }

    private nn.Module<Tensor, Tensor> SaveClassifier(ModelDescription? description = null)
    {
        using var random = new Generator(4);
        nn.Module<Tensor, Tensor> network = Classifiers.Create("a", ToySet.Shape, 3, random);
        ModelFile.Save(FilePath, network, description ?? s_classifier);
        return network;
    }

    private ImageGenerator SaveGenerator()
    {
        using var random = new Generator(4);
        var generator = new ImageGenerator(s_generator.Shape, random, 1, 2);
        ModelFile.Save(FilePath, generator, s_generator);
        return generator;
    }

    private static void AssertSame(ModelDescription expected, ModelDescription actual)
    {
        Assert.Equal(expected.ClassNames, actual.ClassNames);
        Assert.Equal(expected, actual with { ClassNames = expected.ClassNames });
    }

    private static float[] Weights(nn.Module<Tensor, Tensor> network) =>
        [.. network.State().SelectMany(entry => entry.Value.ToArray<float>())];
}
