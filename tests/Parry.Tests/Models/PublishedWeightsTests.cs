using Parry.Data;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Data;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public sealed class PublishedWeightsTests : IDisposable
{
    private static readonly int[] s_vgg = [8, 0, 16, 0, 32, 32, 0, 64, 64, 0, 64, 64, 0];
    private static readonly InputContract s_raw = new() { Mean = [0], Std = [1] };

    private readonly TemporaryFolder _folder = new();

    private string FilePath => Path.Combine(_folder.Path, "published.safetensors");

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// The first three logits, from PyTorch 1.13 and the public code of each family, with the same weights and image.
    /// </summary>
    [Theory]
    [InlineData("resnet-a", "resnet8", 32, -7.937781, -0.02565559, 7.773563)]
    [InlineData("resnet-b", "resnet8", 32, 2.698717, 2.625663, -1.968703)]
    [InlineData("resnet-c", "resnet8", 32, -2.873103, 9.329287, 5.084855)]
    [InlineData("wideresnet", "wideresnet-10-2", 32, 0.2812619, 0.06942889, -0.03725698)]
    [InlineData("vgg-norm", "vgg11-bn", 32, 0.6495531, 0.2244769, -0.4370388)]
    [InlineData("vgg", "vgg11", 32, -0.4102013, -0.2750075, -0.03022661)]
    [InlineData("mobilenet", "mobilenetv2", 224, -2.182762, 1.058305, 1.000744)]
    [InlineData("mobilenet-small", "mobilenetv2", 32, 0.5761772, 0.5263211, -0.5281555)]
    [InlineData("lenet", "lenet", 28, -0.1853513, -0.1329985, -0.0658337)]
    [InlineData("lenet-5", "lenet-5", 32, -0.7860113, -0.821021, -0.7643779)]
    [InlineData("lenet-5-padded", "lenet-5-padded", 28, -0.7737001, -0.8080942, -0.7522811)]
    [InlineData("mnist-example", "mnist-example", 28, -2.684597, -1.859726, -2.643151)]
    public void A_network_gives_what_PyTorch_gives(
        string state,
        string architecture,
        int side,
        double first,
        double second,
        double third
    )
    {
        using SafeTensorsFile file = File(StateOf(state).Tensors());
        foreach (bool fold in (bool[])[true, false])
        {
            var (classifier, description) = PublishedWeights.Load(file, s_raw, new ImageShape(1, side, side), fold);
            using (classifier)
            {
                Assert.Equal((architecture, side), (description.Architecture, classifier.Shape.Height));
                Tensor logits = classifier.Logits(Image(classifier.Shape));

                // PyTorch's example ends in log-probabilities.
                if (state == "mnist-example")
                    logits = logits.log_softmax(-1);
                float[] values = logits.ToArray<float>();
                Assert.All(
                    new[] { first, second, third }.Zip(values),
                    pair => Assert.Equal(pair.First, pair.Second, 1e-4 * Math.Max(1, Math.Abs(pair.First)))
                );
            }
        }
    }

    [Theory]
    [InlineData("resnet20", 269_722)]
    [InlineData("resnet32", 464_154)]
    [InlineData("resnet44", 658_586)]
    [InlineData("resnet56", 853_018)]
    [InlineData("wideresnet-28-10", 36_479_194)]
    [InlineData("wideresnet-34-10", 46_160_474)]
    [InlineData("vgg13", 133_047_848)]
    [InlineData("mobilenetv2", 3_504_872)]
    public void Parameter_counts_are_the_published_ones(string name, long count)
    {
        PublishedState state = name switch
        {
            "vgg13" => PublishedState.Vgg(
                [64, 64, 0, 128, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0],
                false,
                7,
                ("classifier.0", 4096),
                ("classifier.3", 4096),
                ("classifier.6", 1000)
            ),
            "mobilenetv2" => PublishedState.MobileNetV2(32, [16, 24, 32, 64, 96, 160, 320], 1280, 1000),
            "wideresnet-28-10" => PublishedState.WideResNet(4, 10),
            "wideresnet-34-10" => PublishedState.WideResNet(5, 10),
            _ => PublishedState.ResNet((int.Parse(name[6..], null) - 2) / 6),
        };
        Assert.Equal(count, state.Parameters);
        using SafeTensorsFile file = File(state.Zeros());
        var (network, _, contract, description) = PublishedWeights.Recognize(file, new InputContract(), null);
        Assert.Equal(name, description.Architecture);
        Assert.Equal(
            (network.Outputs == 1000 ? 224 : 32, network.Outputs == 1000),
            (network.Shape.Height, contract.Mean is not null)
        );
        if (count > 40_000_000)
            return;
        var (classifier, _) = PublishedWeights.Load(file, new InputContract(), fold: false);
        using (classifier)
            Assert.Equal(count, classifier.Network.ParameterCount());
    }

    [Fact]
    public void Parameter_free_shortcuts_keep_every_second_pixel_and_put_zeros_around_the_channels()
    {
        // With residual branches of 0, the network is the means of the first convolution's pixels, which every shortcut
        // thins out.
        Dictionary<string, Tensor> tensors = PublishedState.ResNet(1).Tensors();
        foreach (
            string name in tensors
                .Keys.Where(name =>
                    name.EndsWith("bn2.weight", StringComparison.Ordinal)
                    || name.EndsWith("bn2.bias", StringComparison.Ordinal)
                )
                .ToArray()
        )
            tensors[name] = zeros(tensors[name].shape);
        tensors["conv1.weight"] = zeros([16, 3, 3, 3]);
        tensors["bn1.weight"] = zeros([16]);
        tensors["bn1.bias"] = tensor((float[])[.. Enumerable.Range(1, 16).Select(channel => (float)channel)], [16]);
        tensors["linear.weight"] = tensor(
            (float[])
                [
                    .. Enumerable
                        .Range(0, 640)
                        .Select(i =>
                            i / 64 == 3 && i % 64 == 24 + 5 ? 1f
                            : i / 64 == 4 && i % 64 == 23 ? 1f
                            : 0
                        ),
                ],
            [10, 64]
        );
        tensors["linear.bias"] = zeros([10]);
        using SafeTensorsFile file = File(tensors);
        using NetworkClassifier classifier = PublishedWeights.Load(file, s_raw).Classifier;
        Assert.Equal(
            [0, 0, 0, 6, 0, 0, 0, 0, 0, 0],
            classifier.Logits(Image(classifier.Shape)).ToArray<float>().Select(logit => Math.Round(logit, 5))
        );
    }

    [Theory]
    [InlineData("module.")]
    [InlineData("state_dict.module.")]
    [InlineData("_orig_mod.module.model.")]
    [InlineData("1.")]
    [InlineData("net.network.")]
    public void What_wrappers_put_before_the_names_is_taken_off(string prefix)
    {
        Dictionary<string, Tensor> tensors = PublishedState.ResNet(1).Tensors();
        float[] expected = Logits(tensors);
        Dictionary<string, Tensor> wrapped = tensors.ToDictionary(entry => prefix + entry.Key, entry => entry.Value);
        wrapped[prefix + "bn1.num_batches_tracked"] = tensor(new long[] { 3L }).squeeze(0);
        wrapped["epoch"] = tensor(new long[] { 3L }).squeeze(0);
        Assert.Equal(expected, Logits(wrapped));
    }

    [Theory]
    [InlineData("mu", "sigma", "model.")]
    [InlineData("module.0.mean", "module.0.std", "module.1.")]
    [InlineData("normalize.mean", "normalize.std", "")]
    public void A_normalization_inside_is_the_mean_and_deviation(string mean, string std, string prefix)
    {
        Dictionary<string, Tensor> tensors = PublishedState.ResNet(1).Tensors();
        float[] numbers = [0.5f, 0.25f, 0.125f];
        float[] deviations = [0.5f, 0.25f, 1];
        var contract = new InputContract { Mean = [0.5, 0.25, 0.125], Std = [0.5, 0.25, 1] };
        float[] expected = Logits(tensors, contract);
        Dictionary<string, Tensor> wrapped = tensors.ToDictionary(entry => prefix + entry.Key, entry => entry.Value);
        wrapped[mean] = tensor(numbers, [1, 3, 1, 1]);
        wrapped[std] = tensor(deviations, [1, 3, 1, 1]);
        Assert.Equal(expected, Logits(wrapped));

        // In metadata it says the same, and what is given goes first.
        AtomicFile.Write(
            FilePath,
            stream =>
                SafeTensors.Write(
                    stream,
                    tensors,
                    new Dictionary<string, string> { ["mean"] = "0.5,0.25,0.125", ["std"] = "[0.5, 0.25, 1]" }
                )
        );
        Assert.Equal(expected, Logits(null));
        Assert.Equal(Logits(tensors), Logits(null, s_raw));
    }

    [Theory]
    [InlineData(ScalarType.Float16, 0.05)]
    [InlineData(ScalarType.BFloat16, 0.3)]
    [InlineData(ScalarType.Float64, 1e-6)]
    public void Weights_of_other_types_are_converted(ScalarType type, double tolerance)
    {
        Dictionary<string, Tensor> tensors = PublishedState.WideResNet(1, 1).Tensors();
        float[] expected = Logits(tensors);
        float[] converted = Logits(tensors.ToDictionary(entry => entry.Key, entry => entry.Value.to(type)));
        Assert.All(expected.Zip(converted), pair => Assert.Equal(pair.First, pair.Second, tolerance));
    }

    [Fact]
    public void Unused_blocks_of_TRADES_are_ignored_and_other_weights_are_not()
    {
        Dictionary<string, Tensor> tensors = PublishedState.WideResNet(1, 1).Tensors();
        float[] expected = Logits(tensors);
        tensors["sub_block1.layer.0.conv1.weight"] = zeros([16, 16, 3, 3]);
        Assert.Equal(expected, Logits(tensors));
        tensors["attention.weight"] = zeros([16, 16]);
        Assert.Contains("'attention.weight'", Refusal(tensors), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_that_is_missing_odd_or_of_whole_numbers_is_named()
    {
        Dictionary<string, Tensor> tensors = PublishedState.ResNet(2).Tensors();
        Dictionary<string, Tensor> odd = new(tensors);
        Dictionary<string, Tensor> whole = new(tensors);
        tensors.Remove("layer2.1.bn2.running_var");
        Assert.Contains("'layer2.1.bn2.running_var'", Refusal(tensors), StringComparison.Ordinal);
        odd["layer3.0.conv2.weight"] = zeros([64, 64, 1, 1]);
        Assert.Contains("'layer3.0.conv2.weight'", Refusal(odd), StringComparison.Ordinal);
        whole["linear.weight"] = whole["linear.weight"].to(ScalarType.Int32);
        Assert.Contains("'linear.weight'", Refusal(whole), StringComparison.Ordinal);
    }

    [Fact]
    public void A_claim_of_great_widths_is_refused_before_memory_is_taken()
    {
        // Its convolution alone would take 600 MB, and the next one a million times a million weights.
        Dictionary<string, Tensor> tensors = PublishedState.ResNet(1).Zeros();
        tensors["layer1.0.conv1.weight"] = zeros([1]).expand(1 << 20, 16, 3, 3);
        using SafeTensorsFile file = File(tensors);
        string message = Assert.Throws<InvalidDataException>(() => PublishedWeights.Load(file, s_raw)).Message;
        Assert.Contains("'layer1.0.bn1.weight'", message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_state_dictionary_is_answered_with_families_names_and_a_way_out()
    {
        string message = Refusal(
            new Dictionary<string, Tensor>
            {
                ["encoder.patch.weight"] = zeros([3, 3]),
                ["encoder.head.weight"] = zeros([3, 3]),
            }
        );
        Assert.All(
            new[] { PublishedWeights.Families, "encoder.patch.weight", "TorchScript or ONNX" },
            part => Assert.Contains(part, message, StringComparison.Ordinal)
        );
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Weights_that_fit_two_networks_are_decided_by_the_images()
    {
        Dictionary<string, Tensor> tensors = PublishedState.LeNet(1, 5, 6, 16, 400, 120, 84, 10).Tensors();
        string message = Refusal(tensors);
        Assert.Contains("lenet-5 for 1x32x32", message, StringComparison.Ordinal);
        Assert.Contains("lenet-5-padded for 1x28x28", message, StringComparison.Ordinal);
        using NetworkClassifier classifier = ModelFile
            .LoadClassifier(FilePath, new ImageShape(1, 28, 28), 10)
            .Classifier;
        Assert.Equal(28, classifier.Shape.Height);
    }

    [Fact]
    public void Images_of_another_size_are_taken_by_networks_that_can()
    {
        Dictionary<string, Tensor> convolutions = PublishedState.WideResNet(1, 1).Tensors();
        Dictionary<string, Tensor> lenet = PublishedState.LeNet(3, 5, 6, 16, 400, 120, 84, 10).Tensors();
        var contract = new InputContract { Size = new ImageShape(3, 48, 40) };
        Assert.Equal(10, Logits(convolutions, contract).Length);
        Assert.Contains(
            "3x32x32",
            Assert.Throws<UserErrorException>(() => Logits(lenet, contract)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "3x16x16",
            Assert
                .Throws<UserErrorException>(() =>
                    Logits(convolutions, new InputContract { Size = new ImageShape(3, 16, 16) })
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Class_names_come_from_the_file_or_are_numbers()
    {
        Dictionary<string, Tensor> tensors = PublishedState.ResNet(1).Tensors();
        string names = "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\"]";
        AtomicFile.Write(
            FilePath,
            stream => SafeTensors.Write(stream, tensors, new Dictionary<string, string> { ["classes"] = names })
        );
        Assert.Equal("j", ModelFile.Describe(FilePath).ClassNames[9]);
        AtomicFile.Write(
            FilePath,
            stream =>
                SafeTensors.Write(
                    stream,
                    tensors,
                    new Dictionary<string, string> { ["classes"] = "10, none of them background" }
                )
        );
        Assert.Equal("9", ModelFile.Describe(FilePath).ClassNames[9]);
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Damaged_files_are_refused_or_read_without_harm()
    {
        AtomicFile.Write(
            FilePath,
            stream => SafeTensors.Write(stream, PublishedState.LeNet(3, 5, 2, 2, 50, 4, 3).Tensors())
        );
        byte[] bytes = System.IO.File.ReadAllBytes(FilePath);
        Fuzz.Run(
            [bytes],
            length => 200_000 + (20 * length),
            damaged =>
            {
                System.IO.File.WriteAllBytes(FilePath, damaged);
                ModelFile.LoadClassifier(FilePath).Classifier.Dispose();
            }
        );
    }

    [FactIfModel("cifar10-resnet32.safetensors", "cifar10")]
    public void The_public_ResNet_32_is_as_accurate_as_published()
    {
        using NetworkClassifier classifier = ModelFile
            .LoadClassifier(FactIfModelAttribute.Find("cifar10-resnet32.safetensors")!)
            .Classifier;
        ImageSet test = DataSets.Cifar10.Load(DataPart.Test, Split.DefenseGan).Take(500);
        Assert.Equal(466, Math.Round(500 * Accuracy.Of(classifier, test)));
    }

    private static PublishedState StateOf(string name) =>
        name switch
        {
            "resnet-a" => PublishedState.ResNet(1),
            "resnet-b" => PublishedState.ResNet(1, "shortcut"),
            "resnet-c" => PublishedState.ResNet(1, "downsample", "fc"),
            "wideresnet" => PublishedState.WideResNet(1, 2),
            "vgg-norm" => PublishedState.Vgg(s_vgg, true, 1, ("classifier", 10)),
            "vgg" => PublishedState.Vgg(
                s_vgg,
                false,
                1,
                ("classifier.0", 32),
                ("classifier.3", 32),
                ("classifier.6", 10)
            ),
            "mobilenet" => PublishedState.MobileNetV2(8, [8, 8, 8, 16, 24, 40, 80], 1280, 7),
            "mobilenet-small" => PublishedState.SmallMobileNetV2(8, [4, 6, 8, 16, 24, 40, 80], 64),
            "lenet" => PublishedState.LeNet(1, 5, 10, 20, 320, 50, 10),
            "lenet-5" => PublishedState.LeNet(3, 5, 6, 16, 400, 120, 84, 10),
            "lenet-5-padded" => PublishedState.LeNet(1, 5, 6, 16, 400, 120, 84, 10),
            _ => PublishedState.LeNet(1, 3, 32, 64, 9216, 128, 10),
        };

    private static Tensor Image(ImageShape shape) =>
        tensor(
            (float[])
                [
                    .. Enumerable
                        .Range(0, shape.Pixels)
                        .Select(i => (float)(0.5 + (0.5 * Math.Sin(0.013 * i * (1 + (0.001 * i)))))),
                ],
            [1, shape.Channels, shape.Height, shape.Width]
        );

    private static SafeTensorsFile File(Dictionary<string, Tensor> tensors) =>
        new(tensors, new Dictionary<string, string>());

    private string Refusal(Dictionary<string, Tensor> tensors)
    {
        AtomicFile.Write(FilePath, stream => SafeTensors.Write(stream, tensors));
        return Assert.Throws<UserErrorException>(() => ModelFile.LoadClassifier(FilePath)).Message;
    }

    private float[] Logits(Dictionary<string, Tensor>? tensors, InputContract? contract = null)
    {
        if (tensors is not null)
            AtomicFile.Write(FilePath, stream => SafeTensors.Write(stream, tensors));
        using NetworkClassifier classifier = ModelFile.LoadClassifier(FilePath, contract: contract).Classifier;
        return classifier.Logits(Image(classifier.Shape)).ToArray<float>();
    }
}
