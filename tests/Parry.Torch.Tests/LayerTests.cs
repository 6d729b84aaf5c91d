using Parry.Torch.Nn;

namespace Parry.Torch.Tests;

public class LayerTests : LeakChecked
{
    /// <summary>Every layer with the shape of a small input, whether it is to be checked in training mode, and how it shows itself.</summary>
    public static TheoryData<string, long[], bool, string> Layers => new()
    {
        { "linear", [3, 4], false, "Linear(4, 5)" },
        { "conv", [2, 2, 6, 6], false, "Conv2d(2, 3, kernel 3, stride 2, padding 1, dilation 2)" },
        { "conv-transpose", [2, 2, 3, 3], false, "ConvTranspose2d(2, 3, kernel 4, stride 2, padding 1, output padding 1)" },
        { "batch-norm", [4, 3], false, "BatchNorm(3)" },
        { "batch-norm", [4, 3], true, "BatchNorm(3)" },
        { "batch-norm", [2, 3, 2, 2], true, "BatchNorm(3)" },
        { "instance-norm", [2, 3, 3, 3], true, "InstanceNorm(3)" },
        { "group-norm", [2, 4, 2, 3], true, "GroupNorm(2, 4)" },
        { "max-pool", [2, 2, 5, 5], false, "MaxPool2d(kernel 2, stride 2)" },
        { "avg-pool", [2, 2, 5, 5], false, "AvgPool2d(kernel 3, stride 1)" },
        { "flatten", [2, 3, 2], false, "Flatten" },
        { "reshape", [2, 6], false, "Reshape(3x2)" },
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
    public void Its_gradients_agree_with_finite_differences_once_and_twice(string kind, long[] shape, bool training, string text)
    {
        using var scope = new TensorScope();
        using var random = new Generator(11);
        using Module layer = Make(kind, random);
        Assert.Equal(text, layer.ToString());
        layer.To(DType.Float64);
        foreach (var parameter in layer.Parameters) parameter.Value.AddInPlace(GradientCheck.Leaf(random, parameter.Value.Shape).Detach(), 0.5);
        layer.RequireGrad();
        if (training) layer.Train(random);
        Tensor input = GradientCheck.Leaf(random, shape);
        Tensor[] leaves = [input, .. layer.Parameters.Select(p => p.Value)];
        GradientCheck.First(() => layer.Forward(input), leaves);

        // Layers that are linear pieces need something curved behind them to have second derivatives.
        GradientCheck.Second(() => layer.Forward(input).Tanh(), leaves);
    }

    [Fact]
    public void Log_softmax_and_log_sum_exp_agree_with_finite_differences()
    {
        using var scope = new TensorScope();
        using var random = new Generator(12);
        Tensor input = GradientCheck.Leaf(random, 3, 4);
        GradientCheck.First(() => input.LogSoftmax(), input);
        GradientCheck.Second(() => input.LogSoftmax().NllLoss(Tensor.From([1L, 0, 3]), 1), input);
        GradientCheck.Second(() => input.LogSumExp([1]), input);
    }

    [Fact]
    public void The_gradient_penalty_of_a_critic_agrees_with_finite_differences()
    {
        using var scope = new TensorScope();
        using var random = new Generator(13);
        using var critic = new Sequential(new Conv2d(1, 3, 3, random, stride: 2, padding: 1), Activation.LeakyRelu(0.2), new Conv2d(3, 2, 3, random),
            Activation.LeakyRelu(0.2), new Flatten(), new Linear(2, 1, random));
        critic.To(DType.Float64);
        critic.RequireGrad();
        Tensor images = GradientCheck.Leaf(random, 2, 1, 6, 6);
        Tensor Penalty()
        {
            using var recorded = Autograd.WithGrad();
            Tensor slope = Autograd.Grad(critic.Forward(images).Sum(), images, createGraph: true);
            return slope.Norm(2, [1, 2, 3]).Sub(1).Pow(2).Mean();
        }

        GradientCheck.First(Penalty, [images, .. critic.Parameters.Where(p => p.Key.EndsWith("weight", StringComparison.Ordinal)).Select(p => p.Value)]);
    }

    [Fact]
    public void Batch_norm_normalizes_and_moves_its_statistics_also_while_a_graph_waits()
    {
        using var scope = new TensorScope();
        using var random = new Generator(14);
        using var layer = new BatchNorm(1, momentum: 0.25);
        layer.RequireGrad();
        layer.Train(random);
        Tensor first = Tensor.From<float>([1, 2, 3, 6], 4, 1), second = Tensor.From<float>([0, 0, 4, 4], 4, 1);
        Tensor one = layer.Forward(first), two = layer.Forward(second);
        var buffers = layer.Buffers.ToDictionary();
        // Means 3 and 2; unbiased variances 14/3 and 16/3.
        Assert.Equal(0.75 * 0.25 * 3 + 0.25 * 2, buffers["running_mean"].ToDouble(), 5);
        Assert.Equal(0.75 * (0.75 + 0.25 * 14 / 3) + 0.25 * 16 / 3, buffers["running_var"].ToDouble(), 5);
        Assert.False(buffers["running_mean"].RequiresGrad);
        Assert.Equal(-2 / Math.Sqrt(3.5), one.ToArray<float>()[0], 4);
        Autograd.Grad(one.Pow(2).Sum(), layer.Weight);
        Autograd.Grad(two.Pow(2).Sum(), layer.Weight);

        layer.Evaluate();
        Assert.Equal((1 - buffers["running_mean"].ToDouble()) / Math.Sqrt(buffers["running_var"].ToDouble() + 1e-5), layer.Forward(first).ToArray<float>()[0], 4);
    }

    [Fact]
    public void Dropout_drops_with_its_probability_and_keeps_the_mean()
    {
        using var scope = new TensorScope();
        using var random = new Generator(15);
        using var layer = new Dropout(0.2);
        Tensor ones = Tensor.Ones([20_000]).RequireGrad();
        Assert.Equal(ones.ToArray<float>(), layer.Forward(ones).ToArray<float>());
        layer.Train(random);
        Tensor output = layer.Forward(ones);
        float[] values = output.ToArray<float>();
        Assert.InRange(values.Count(v => v == 0), 3_700, 4_300);
        Assert.All(values, v => Assert.True(v is 0 or 1.25f));
        Assert.Equal(values, Autograd.Grad(output.Sum(), ones).ToArray<float>());
        Assert.NotEqual(values, layer.Forward(ones).ToArray<float>());
        Assert.Throws<ArgumentOutOfRangeException>(() => new Dropout(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Dropout(-0.1));
    }

    [Fact]
    public void A_layer_never_hands_out_its_input_itself()
    {
        using var scope = new TensorScope();
        Tensor input = Tensor.Ones([2, 2]);
        foreach (Module layer in new Module[] { new Dropout(0.5), new Flatten(), new Sequential(Array.Empty<Module>()) })
        {
            layer.Forward(input).Dispose();
            layer.Dispose();
        }

        Assert.Equal(4, input.Sum().ToDouble());
    }

    private static Module Make(string kind, Generator random) => kind switch
    {
        "linear" => new Linear(4, 5, random),
        "conv" => new Conv2d(2, 3, 3, random, stride: 2, padding: 1, dilation: 2),
        "conv-transpose" => new ConvTranspose2d(2, 3, 4, random, stride: 2, padding: 1, outputPadding: 1),
        "batch-norm" => new BatchNorm(3),
        "instance-norm" => new InstanceNorm(3, affine: true),
        "group-norm" => new GroupNorm(2, 4),
        "max-pool" => new MaxPool2d(2),
        "avg-pool" => new AvgPool2d(3, 1),
        "flatten" => new Flatten(),
        "reshape" => new Reshape(3, 2),
        "upsample" => new Upsample(),
        "rescale" => new Rescale(2, -1),
        "relu" => Activation.Relu(),
        "leaky-relu" => Activation.LeakyRelu(0.2),
        "sigmoid" => Activation.Sigmoid(),
        "tanh" => Activation.Tanh(),
        "softmax" => Activation.Softmax(),
        "dropout" => new Dropout(0.25),
        _ => new Sequential(new Conv2d(1, 2, 3, random), Activation.Tanh(), new Flatten(), new Linear(32, 3, random, bias: false)),
    };
}
