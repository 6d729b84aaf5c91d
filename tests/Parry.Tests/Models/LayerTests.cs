using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using Parry.Tests.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public class LayerTests
{
    /// <summary>
    /// Every layer with the shape of a small input, whether it is to be checked in training mode, and how it shows
    /// itself.
    /// </summary>
    public static TheoryData<string, long[], bool, string> Layers =>
        new()
        {
            { "linear", [3, 4], false, "Linear(4, 5)" },
            { "conv", [2, 2, 6, 6], false, "Conv2d(2, 3, kernel 3, stride 2, padding 1, dilation 2)" },
            {
                "conv-transpose",
                [2, 2, 3, 3],
                false,
                "ConvTranspose2d(2, 3, kernel 4, stride 2, padding 1, output padding 1)"
            },
            { "batch-norm-vectors", [4, 3], false, "BatchNorm(3)" },
            { "batch-norm-vectors", [4, 3], true, "BatchNorm(3)" },
            { "batch-norm", [2, 3, 2, 2], true, "BatchNorm(3)" },
            { "instance-norm", [2, 3, 3, 3], true, "InstanceNorm(3)" },
            { "group-norm", [2, 4, 2, 3], true, "GroupNorm(2, 4)" },
            { "max-pool", [2, 2, 5, 5], false, "MaxPool2d(kernel 2, stride 2)" },
            { "avg-pool", [2, 2, 5, 5], false, "AvgPool2d(kernel 3, stride 1)" },
            { "flatten", [2, 3, 2], false, "Flatten" },
            { "reshape", [2, 6], false, "Reshape(3x2x1)" },
            { "upsample", [2, 2, 2, 3], false, "Upsample(2)" },
            { "rescale", [4], false, "Rescale(2, -1)" },
            { "relu", [20], false, "Relu" },
            { "leaky-relu", [20], false, "LeakyRelu(0.2)" },
            { "sigmoid", [20], false, "Sigmoid" },
            { "tanh", [20], false, "Tanh" },
            { "softmax", [3, 4], false, "Softmax" },
            { "dropout", [3, 4], false, "Dropout(0.25)" },
            { "sequential", [2, 1, 6, 6], false, "Sequential(4 layers)" },
        };

    [Theory]
    [MemberData(nameof(Layers))]
    public void Its_gradients_agree_with_finite_differences_once_and_twice(
        string kind,
        long[] shape,
        bool training,
        string text
    )
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(11);
        using nn.Module<Tensor, Tensor> layer = Make(kind, random);
        Assert.Equal(text, LayerText.Of(layer));
        layer.to(ScalarType.Float64);
        foreach (var parameter in layer.Parameters())
            parameter.Value.add_(GradientCheck.Leaf(random, parameter.Value.shape).detach(), 0.5);
        layer.RequireGrad();
        if (training)
            layer.Train(random);
        Tensor input = GradientCheck.Leaf(random, shape);
        Tensor[] leaves = [input, .. layer.Parameters().Select(p => p.Value)];
        GradientCheck.First(() => layer.forward(input), leaves);

        // Layers that are linear pieces need something curved behind them to have second derivatives.
        GradientCheck.Second(() => layer.forward(input).tanh(), leaves);
    }

    [Fact]
    public void Log_softmax_and_log_sum_exp_agree_with_finite_differences()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(12);
        Tensor input = GradientCheck.Leaf(random, 3, 4);
        GradientCheck.First(() => input.log_softmax(-1), input);
        GradientCheck.Second(
            () =>
                nn.functional.nll_loss(
                    input.log_softmax(-1),
                    tensor(new long[] { 1L, 0, 3 }),
                    reduction: nn.Reduction.Mean
                ),
            input
        );
        GradientCheck.Second(() => input.logsumexp(1), input);
    }

    [Fact]
    public void The_gradient_penalty_of_a_critic_agrees_with_finite_differences()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(13);
        using var critic = Layer.Sequential(
            Layer.Conv2d(1, 3, 3, random, stride: 2, padding: 1),
            nn.LeakyReLU(0.2),
            Layer.Conv2d(3, 2, 3, random),
            nn.LeakyReLU(0.2),
            Layer.Flatten(),
            Layer.Linear(2, 1, random)
        );
        critic.to(ScalarType.Float64);
        critic.RequireGrad();
        Tensor images = GradientCheck.Leaf(random, 2, 1, 6, 6);
        Tensor Penalty()
        {
            using var recorded = enable_grad();
            Tensor slope = Autograd.Grad(critic.forward(images).sum(), images, createGraph: true);
            return linalg.vector_norm(slope, 2, [1, 2, 3]).sub(1.0).pow(2.0).mean();
        }

        GradientCheck.First(
            Penalty,
            [
                images,
                .. critic
                    .Parameters()
                    .Where(p => p.Key.EndsWith("weight", StringComparison.Ordinal))
                    .Select(p => p.Value),
            ]
        );
    }

    [Fact]
    public void Batch_norm_normalizes_and_moves_its_statistics_also_while_a_graph_waits()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(14);
        using var layer = Layer.BatchNorm(1, momentum: 0.25, vectors: true);
        Tensor weight = layer.Parameters().First().Value;
        layer.RequireGrad();
        layer.Train(random);
        Tensor first = tensor(new float[] { 1, 2, 3, 6 }, [4, 1]);
        Tensor second = tensor(new float[] { 0, 0, 4, 4 }, [4, 1]);
        Tensor one = layer.forward(first);
        Tensor two = layer.forward(second);
        var buffers = layer.Buffers().ToDictionary();
        // Means 3 and 2; unbiased variances 14/3 and 16/3.
        Assert.Equal(0.75 * 0.25 * 3 + 0.25 * 2, buffers["running_mean"].Item(), 5);
        Assert.Equal(0.75 * (0.75 + 0.25 * 14 / 3) + 0.25 * 16 / 3, buffers["running_var"].Item(), 5);
        Assert.False(buffers["running_mean"].requires_grad);
        Assert.Equal(-2 / Math.Sqrt(3.5), one.ToArray<float>()[0], 4);
        Autograd.Grad(one.pow(2.0).sum(), weight);
        Autograd.Grad(two.pow(2.0).sum(), weight);

        layer.eval();
        Assert.Equal(
            (1 - buffers["running_mean"].Item()) / Math.Sqrt(buffers["running_var"].Item() + 1e-5),
            layer.forward(first).ToArray<float>()[0],
            4
        );
    }

    [Fact]
    public void Dropout_drops_with_its_probability_and_keeps_the_mean()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(15);
        using var layer = new SeededDropout(0.2);
        Tensor all = ones([20_000]).requires_grad_();
        Assert.Equal(all.ToArray<float>(), layer.forward(all).ToArray<float>());
        layer.Train(random);
        Tensor output = layer.forward(all);
        float[] values = output.ToArray<float>();
        Assert.InRange(values.Count(v => v == 0), 3_700, 4_300);
        Assert.All(values, v => Assert.True(v is 0 or 1.25f));
        Assert.Equal(values, Autograd.Grad(output.sum(), all).ToArray<float>());
        Assert.NotEqual(values, layer.forward(all).ToArray<float>());
        Assert.Throws<ArgumentOutOfRangeException>(() => new SeededDropout(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SeededDropout(-0.1));
    }

    [Fact]
    public void A_layer_never_hands_out_its_input_itself()
    {
        using var scope = NewDisposeScope();
        Tensor input = ones([2, 2]);
        foreach (
            nn.Module<Tensor, Tensor> layer in new nn.Module<Tensor, Tensor>[]
            {
                new SeededDropout(0.5),
                Layer.Flatten(),
                Layer.Sequential(Array.Empty<nn.Module<Tensor, Tensor>>()),
            }
        )
        {
            layer.forward(input).Dispose();
            layer.Dispose();
        }

        Assert.Equal(4, input.sum().Item());
    }

    [Fact]
    public void Converted_weights_keep_their_values_and_their_owners()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        using var layer = Layer.Linear(4, 3, random);
        layer.RequireGrad();
        Tensor input = randn([2, 4], generator: random);
        float[] before = layer.forward(input).ToArray<float>();
        layer.to(ScalarType.Float64);
        Assert.Equal(ScalarType.Float64, layer.weight.dtype);
        Assert.True(layer.weight.requires_grad);
        GradientCheck.Close(
            [.. before.Select(v => (double)v)],
            layer.forward(input.to(ScalarType.Float64)).ToArray<double>()
        );
        layer.to(ScalarType.Float32);
        Assert.Equal(before, layer.forward(input).ToArray<float>());
        layer.to(CPU);
        Assert.Equal(DeviceType.CPU, layer.weight.device_type);
    }

    private static nn.Module<Tensor, Tensor> Make(string kind, Generator random) =>
        kind switch
        {
            "linear" => Layer.Linear(4, 5, random),
            "conv" => Layer.Conv2d(2, 3, 3, random, stride: 2, padding: 1, dilation: 2),
            "conv-transpose" => Layer.ConvTranspose2d(2, 3, 4, random, stride: 2, padding: 1, outputPadding: 1),
            "batch-norm" => Layer.BatchNorm(3),
            "batch-norm-vectors" => Layer.BatchNorm(3, vectors: true),
            "instance-norm" => Layer.InstanceNorm(3, affine: true),
            "group-norm" => Layer.GroupNorm(2, 4),
            "max-pool" => Layer.MaxPool2d(2),
            "avg-pool" => Layer.AvgPool2d(3, 1),
            "flatten" => Layer.Flatten(),
            "reshape" => Layer.Reshape(3, 2, 1),
            "upsample" => Layer.Upsample(),
            "rescale" => new Rescale(2, -1),
            "relu" => nn.ReLU(),
            "leaky-relu" => nn.LeakyReLU(0.2),
            "sigmoid" => nn.Sigmoid(),
            "tanh" => nn.Tanh(),
            "softmax" => nn.Softmax(-1),
            "dropout" => new SeededDropout(0.25),
            _ => Layer.Sequential(
                Layer.Conv2d(1, 2, 3, random),
                nn.Tanh(),
                Layer.Flatten(),
                Layer.Linear(32, 3, random, bias: false)
            ),
        };
}
