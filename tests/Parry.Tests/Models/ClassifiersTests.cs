using Parry.Attacks.Transfer;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public class ClassifiersTests
{
    private static readonly ImageShape s_digits = new(1, 28, 28);
    private static readonly ImageShape s_photos = new(3, 32, 32);

    public static TheoryData<string, long, long> Counts =>
        new()
        {
            // MNIST: 28 -> SAME 28 -> (28-5)/2+1 = 12; stride 2 SAME 14 -> (14-6)/2+1 = 5 -> 1. Photos: 32 -> 14; 16 ->
            // 6 -> 2.
            {
                "classifier-a",
                Conv(1, 64, 5) + Conv(64, 64, 5) + Dense(12 * 12 * 64, 128) + Dense(128, 10),
                Conv(3, 64, 5) + Conv(64, 64, 5) + Dense(14 * 14 * 64, 128) + Dense(128, 10)
            },
            {
                "classifier-b",
                Conv(1, 64, 8) + Conv(64, 128, 6) + Conv(128, 128, 5) + Dense(128, 10),
                Conv(3, 64, 8) + Conv(64, 128, 6) + Conv(128, 128, 5) + Dense(2 * 2 * 128, 10)
            },
            {
                "classifier-c",
                Conv(1, 128, 3) + Conv(128, 64, 5) + Dense(12 * 12 * 64, 128) + Dense(128, 10),
                Conv(3, 128, 3) + Conv(128, 64, 5) + Dense(14 * 14 * 64, 128) + Dense(128, 10)
            },
            {
                "classifier-d",
                Dense(784, 200) + Dense(200, 200) + Dense(200, 10),
                Dense(3072, 200) + Dense(200, 200) + Dense(200, 10)
            },
            {
                "classifier-e",
                Dense(784, 200) + Dense(200, 200) + Dense(200, 10),
                Dense(3072, 200) + Dense(200, 200) + Dense(200, 10)
            },
            {
                "classifier-f",
                Conv(1, 64, 8) + Conv(64, 128, 6) + Conv(128, 128, 5) + Dense(128, 10),
                Conv(3, 64, 8) + Conv(64, 128, 6) + Conv(128, 128, 5) + Dense(2 * 2 * 128, 10)
            },
            {
                "madry",
                Conv(1, 32, 5) + Conv(32, 64, 5) + Dense(7 * 7 * 64, 1024) + Dense(1024, 10),
                Conv(3, 32, 5) + Conv(32, 64, 5) + Dense(8 * 8 * 64, 1024) + Dense(1024, 10)
            },
            { "carlini", Carlini(1, 32, 4 * 4, 200), Carlini(3, 32, 5 * 5, 200) },
            { "carlini-half", Carlini(1, 16, 4 * 4, 100), Carlini(3, 16, 5 * 5, 100) },
            {
                "tramer-a",
                Conv(1, 64, 5) + Conv(64, 64, 5) + Dense(20 * 20 * 64, 128) + Dense(128, 10),
                Conv(3, 64, 5) + Conv(64, 64, 5) + Dense(24 * 24 * 64, 128) + Dense(128, 10)
            },
            {
                "tramer-b",
                Conv(1, 64, 8) + Conv(64, 128, 6) + Conv(128, 128, 5) + Dense(128, 10),
                Conv(3, 64, 8) + Conv(64, 128, 6) + Conv(128, 128, 5) + Dense(2 * 2 * 128, 10)
            },
            {
                "lenet",
                Conv(1, 20, 5) + Conv(20, 50, 5) + Dense(800, 500) + Dense(500, 10),
                Conv(3, 20, 5) + Conv(20, 50, 5) + Dense(5 * 5 * 50, 500) + Dense(500, 10)
            },
            {
                "mnist-example",
                Conv(1, 32, 3) + Conv(32, 64, 3) + Dense(9216, 128) + Dense(128, 10),
                Conv(3, 32, 3) + Conv(32, 64, 3) + Dense(14 * 14 * 64, 128) + Dense(128, 10)
            },
            {
                "mnist-example-half",
                Conv(1, 16, 3) + Conv(16, 32, 3) + Dense(4608, 64) + Dense(64, 10),
                Conv(3, 16, 3) + Conv(16, 32, 3) + Dense(14 * 14 * 32, 64) + Dense(64, 10)
            },
        };

    [Theory]
    [MemberData(nameof(Counts))]
    public void Every_network_gives_logits_and_has_the_parameters_of_its_table(string name, long digits, long photos)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        foreach (var (shape, count) in new[] { (s_digits, digits), (s_photos, photos) })
        {
            using nn.Module<Tensor, Tensor> network = Classifiers.Create(name, shape, 10, random);
            Assert.Equal(count, network.ParameterCount());
            Assert.Equal(count, Classifiers.ParameterCount(name, shape, 10));
            Tensor logits = network.forward(rand([3, shape.Channels, shape.Height, shape.Width], generator: random));
            Assert.Equal([3, 10], logits.shape);
            Assert.Contains(logits.ToArray<float>(), logit => logit < 0);
        }
    }

    [Fact]
    public void The_sizes_of_the_best_known_networks_are_these()
    {
        Assert.Equal(1_285_194, Classifiers.ParameterCount("a", s_digits, 10));
        Assert.Equal(199_210, Classifiers.ParameterCount("E", s_digits, 10));
        Assert.Equal(3_274_634, Classifiers.ParameterCount("madry", s_digits, 10));
        Assert.Equal(312_202, Classifiers.ParameterCount("carlini", s_digits, 10));
        Assert.Equal(431_080, Classifiers.ParameterCount("lenet", s_digits, 10));
    }

    [Theory]
    [InlineData("resnet32", 464_154)]
    [InlineData("wideresnet-34-10", 46_160_474)]
    [InlineData("vgg13-bn", 9_413_066)]
    public void Networks_with_batch_normalization_have_the_parameters_of_public_code(string name, long parameters)
    {
        // VGG's public code has biases before batch norms besides, which change nothing: 2,944.
        using var random = new Generator(1);
        using nn.Module<Tensor, Tensor> network = Classifiers.Create(name, s_photos, 10, random);
        Assert.Equal(parameters, network.ParameterCount());
        NetworkPlan plan = Classifiers.Plan(name, s_photos, 10, DropoutReading.Drop);
        Assert.Equal(parameters, plan.Trainable);
        Assert.Equal(plan.Total, network.State().Sum(entry => entry.Value.numel()));
    }

    [Fact]
    public void A_fresh_ResNet_32_has_the_layers_of_the_one_that_is_loaded()
    {
        using var random = new Generator(1);
        using nn.Module<Tensor, Tensor> fresh = Classifiers.Create("resnet32", s_photos, 10, random);
        Dictionary<string, Tensor> published = PublishedState.ResNet(5).Tensors();
        using var file = new SafeTensorsFile(published, new Dictionary<string, string>());
        var (loaded, _) = PublishedWeights.Load(file, new InputContract(), fold: false);
        using (loaded)
            Assert.Equal(
                loaded.Network.State().Select(entry => (entry.Key, string.Join('x', entry.Value.shape))),
                fresh.State().Select(entry => (entry.Key, string.Join('x', entry.Value.shape)))
            );
    }

    [Fact]
    public void First_weights_with_batch_normalization_have_the_variance_of_He_and_are_decided_by_the_seed()
    {
        using var scope = NewDisposeScope();
        Tensor weight = Fresh(1);
        Assert.InRange(weight.var().Item() * 64 * 9 / 2, 0.97, 1.03);
        Assert.Equal(weight.ToArray<float>(), Fresh(1).ToArray<float>());
        Assert.NotEqual(weight.ToArray<float>(), Fresh(2).ToArray<float>());

        static Tensor Fresh(long seed)
        {
            using var random = new Generator((ulong)seed);
            using nn.Module<Tensor, Tensor> network = Classifiers.Create("resnet32", s_photos, 10, random);
            return network.State().ToDictionary()["layer3-4.body.2.conv.weight"].clone();
        }
    }

    [Fact]
    public void Substitutes_learn_in_pieces_of_a_batch_and_refuse_batch_normalization()
    {
        string message = Assert.Throws<UserErrorException>(() => new Substitute { Architecture = "resnet32" }).Message;
        Assert.Contains("resnet32", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_layout_in_memory_changes_no_result(int channels)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2);
        using nn.Module<Tensor, Tensor> network = Classifiers.Create("a", new ImageShape(channels, 12, 12), 4, random);
        var state = network.State().ToDictionary();
        Tensor images = rand([5, channels, 12, 12], generator: random);
        Tensor expected = nn.functional.linear(
            nn.functional.linear(
                    nn.functional.conv2d(
                            nn.functional.conv2d(images, state["conv1.weight"], state["conv1.bias"], padding: [2, 2])
                                .relu(),
                            state["conv2.weight"],
                            state["conv2.bias"],
                            strides: [2, 2]
                        )
                        .relu()
                        .flatten(1),
                    state["fc1.weight"],
                    state["fc1.bias"]
                )
                .relu(),
            state["fc2.weight"],
            state["fc2.bias"]
        );
        Assert.InRange(expected.sub(network.forward(images)).abs().amax([0, 1]).Item(), 0, 1e-4);
    }

    [Fact]
    public void Same_padding_puts_the_odd_zero_last_as_TensorFlow_does()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        var plan = LayerPlan
            .Classifier(new ImageShape(1, 5, 5), DropoutReading.Drop)
            .Convolution(1, kernel: 2, stride: 2);
        using nn.Module<Tensor, Tensor> network = plan.Build(random);
        network.LoadState(
            new Dictionary<string, Tensor> { ["conv1.weight"] = ones([1, 1, 2, 2]), ["conv1.bias"] = zeros([1]) }
        );
        Assert.Equal([4, 4, 2, 4, 4, 2, 2, 2, 1], network.forward(ones([1, 1, 5, 5])).ToArray<float>());
    }

    [Theory]
    [InlineData(DropoutReading.Drop, 0.75)]
    [InlineData(DropoutReading.Keep, 0.25)]
    public void Dropout_0_25_keeps_a_quarter_in_one_reading_and_three_quarters_in_the_other(
        DropoutReading reading,
        double kept
    )
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using nn.Module<Tensor, Tensor> network = LayerPlan
            .Classifier(new ImageShape(1, 100, 100), reading)
            .Dropout(0.25)
            .Build(random);
        network.Train(random);
        float[] values = network.forward(ones([4, 1, 100, 100])).ToArray<float>();
        Assert.InRange(values.Count(value => value != 0) / 40_000.0, kept - 0.01, kept + 0.01);
        Assert.All(values, value => Assert.True(value == 0 || Math.Abs(value - (1 / kept)) < 1e-5));
    }

    [Fact]
    public void Networks_B_and_F_differ_in_training_only()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using nn.Module<Tensor, Tensor> b = Classifiers.Create("b", s_digits, 10, random, DropoutReading.Keep);
        using nn.Module<Tensor, Tensor> f = Classifiers.Create("f", s_digits, 10, random);
        f.LoadState(b.State().ToDictionary());
        Tensor images = rand([2, 1, 28, 28], generator: random);
        Assert.Equal(f.forward(images).ToArray<float>(), b.forward(images).ToArray<float>());
        b.Train(random);
        Assert.NotEqual(f.forward(images).ToArray<float>(), b.forward(images).ToArray<float>());
    }

    [Fact]
    public void First_weights_have_unit_norm_per_output_and_no_bias()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using nn.Module<Tensor, Tensor> network = Classifiers.Create("c", s_digits, 10, random);
        foreach (var (name, tensor) in network.Parameters())
        {
            Tensor norms = name.EndsWith("bias", StringComparison.Ordinal)
                ? tensor.add(1.0)
                : linalg.vector_norm(tensor.flatten(1), 2, [1]);
            Assert.All(norms.ToArray<float>(), norm => Assert.Equal(1, norm, 4));
        }
    }

    [Fact]
    public void An_unknown_name_is_answered_with_the_known_ones()
    {
        string message = Assert.Throws<UserErrorException>(() => Classifiers.FullName("resnet")).Message;
        Assert.Contains("\"resnet\"", message, StringComparison.Ordinal);
        Assert.All(Classifiers.Names, name => Assert.Contains(name, message, StringComparison.Ordinal));
    }

    [Fact]
    public void Images_too_small_for_a_network_are_refused()
    {
        string message = Assert
            .Throws<UserErrorException>(() => Classifiers.ParameterCount("b", new ImageShape(1, 8, 8), 10))
            .Message;
        Assert.Contains("1x8x8", message, StringComparison.Ordinal);
    }

    private static long Conv(long inputs, long outputs, long kernel) => (inputs * kernel * kernel * outputs) + outputs;

    private static long Carlini(long inputs, long filters, long positions, long hidden) =>
        Conv(inputs, filters, 3)
        + Conv(filters, filters, 3)
        + Conv(filters, 2 * filters, 3)
        + Conv(2 * filters, 2 * filters, 3)
        + Dense(positions * 2 * filters, hidden)
        + Dense(hidden, hidden)
        + Dense(hidden, 10);

    private static long Dense(long inputs, long outputs) => (inputs + 1) * outputs;
}
