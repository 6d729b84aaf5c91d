using Parry.Torch.Nn;

namespace Parry.Torch.Tests;

public class ModuleTests : LeakChecked
{
    [Fact]
    public void Parameters_and_buffers_are_named_by_their_path()
    {
        using var random = new Generator(1);
        using var network = new Sequential(("features", new Sequential(new Conv2d(1, 2, 3, random), new BatchNorm(2))), ("head", new Linear(4, 3, random, bias: false)));
        Assert.Equal(["features.0.weight", "features.0.bias", "features.1.weight", "features.1.bias", "head.weight"], network.Parameters.Select(p => p.Key));
        Assert.Equal(["features.1.running_mean", "features.1.running_var"], network.Buffers.Select(p => p.Key));
        Assert.Equal(18 + 2 + 2 + 2 + 12, network.ParameterCount);
    }

    [Fact]
    public void The_paper_networks_have_the_papers_parameter_counts()
    {
        using var random = new Generator(1);
        using var critic = new Sequential(new Conv2d(1, 64, 5, random, 2, 2), new Conv2d(64, 128, 5, random, 2, 2), new Conv2d(128, 256, 5, random, 2, 2), new Linear(4096, 1, random));
        using var generator = new Sequential(new Linear(128, 4096, random), new ConvTranspose2d(256, 128, 5, random, 2), new ConvTranspose2d(128, 64, 5, random, 2), new ConvTranspose2d(64, 1, 5, random, 2));
        Assert.Equal(1_030_145, critic.ParameterCount);
        Assert.Equal(1_554_177, generator.ParameterCount);
    }

    [Fact]
    public void A_loaded_state_gives_the_same_outputs()
    {
        using var scope = new TensorScope();
        using var random = new Generator(2);
        using Module one = Network(random), other = Network(random);
        Tensor input = Tensor.Normal([3, 4], random);
        Assert.NotEqual(one.Forward(input).ToArray<float>(), other.Forward(input).ToArray<float>());
        other.RequireGrad();
        other.Load(one.State.ToDictionary());
        Assert.Equal(one.Forward(input).ToArray<float>(), other.Forward(input).ToArray<float>());
    }

    [Fact]
    public void A_state_that_does_not_fit_is_refused_by_name()
    {
        using var scope = new TensorScope();
        using var random = new Generator(3);
        using Module network = Network(random);
        var state = network.State.ToDictionary();
        state.Remove("0.bias", out Tensor? bias);
        Assert.Contains("'0.bias'", Refused(), StringComparison.Ordinal);
        state["0.bias"] = Tensor.Zeros([7]);
        Assert.Contains("Float32[7]", Refused(), StringComparison.Ordinal);
        state["0.bias"] = bias!;
        state["extra"] = bias!;
        Assert.Contains("'extra'", Refused(), StringComparison.Ordinal);
        string Refused() => Assert.Throws<InvalidDataException>(() => network.Load(state)).Message;
    }

    [Fact]
    public void Training_mode_and_gradients_reach_the_children()
    {
        using var random = new Generator(4);
        using Module network = Network(random);
        Assert.False(network.Training);
        network.Train(random);
        Assert.All(network.Children, child => Assert.True(child.Value.Training));
        network.Evaluate();
        Assert.All(network.Children, child => Assert.False(child.Value.Training));
        network.RequireGrad();
        Assert.All(network.Parameters, parameter => Assert.True(parameter.Value.RequiresGrad));
        Assert.All(network.Buffers, buffer => Assert.False(buffer.Value.RequiresGrad));
        network.RequireGrad(false);
        Assert.All(network.Parameters, parameter => Assert.False(parameter.Value.RequiresGrad));
    }

    [Fact]
    public void Converted_weights_keep_their_values_and_their_owners()
    {
        using var scope = new TensorScope();
        using var random = new Generator(5);
        using var layer = new Linear(4, 3, random);
        layer.RequireGrad();
        Tensor input = Tensor.Normal([2, 4], random);
        float[] before = layer.Forward(input).ToArray<float>();
        layer.To(DType.Float64);
        Assert.Equal(DType.Float64, layer.Weight.DType);
        Assert.True(layer.Weight.RequiresGrad);
        GradientCheck.Close([.. before.Select(v => (double)v)], layer.Forward(input.To(DType.Float64)).ToArray<double>());
        layer.To(DType.Float32);
        Assert.Equal(before, layer.Forward(input).ToArray<float>());
        layer.To(Device.Cpu);
        Assert.Equal(Device.Cpu, layer.Weight.Device);
    }

    [Fact]
    public void Sequential_frees_what_is_between_its_layers()
    {
        using var random = new Generator(6);
        using Module network = Network(random);
        using var input = Tensor.Normal([3, 4], random);
        long before = TensorScope.LiveTensors;
        using Tensor output = network.Forward(input);
        Assert.Equal(before + 1, TensorScope.LiveTensors);
        Assert.Equal([3, 2], output.Shape);
    }

    private static Sequential Network(Generator random) =>
        new(new Linear(4, 6, random), new BatchNorm(6), Activation.Relu(), new Dropout(0.5), new Linear(6, 2, random));
}
