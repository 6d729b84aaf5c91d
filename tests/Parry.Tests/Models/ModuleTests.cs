using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using Parry.Tests.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public class ModuleTests : LeakChecked
{
    [Fact]
    public void Parameters_and_buffers_are_named_by_their_path()
    {
        using var random = new Generator(1);
        using var network = Layer.Sequential(
            ("features", Layer.Sequential(Layer.Conv2d(1, 2, 3, random), Layer.BatchNorm(2))),
            ("head", Layer.Linear(4, 3, random, bias: false))
        );
        Assert.Equal(
            ["features.0.weight", "features.0.bias", "features.1.weight", "features.1.bias", "head.weight"],
            network.Parameters().Select(p => p.Key)
        );
        Assert.Equal(["features.1.running_mean", "features.1.running_var"], network.Buffers().Select(p => p.Key));
        Assert.Equal(18 + 2 + 2 + 2 + 12, network.ParameterCount());
    }

    [Fact]
    public void The_paper_networks_have_the_papers_parameter_counts()
    {
        using var random = new Generator(1);
        using var critic = Layer.Sequential(
            Layer.Conv2d(1, 64, 5, random, 2, 2),
            Layer.Conv2d(64, 128, 5, random, 2, 2),
            Layer.Conv2d(128, 256, 5, random, 2, 2),
            Layer.Linear(4096, 1, random)
        );
        using var generator = Layer.Sequential(
            Layer.Linear(128, 4096, random),
            Layer.ConvTranspose2d(256, 128, 5, random, 2),
            Layer.ConvTranspose2d(128, 64, 5, random, 2),
            Layer.ConvTranspose2d(64, 1, 5, random, 2)
        );
        Assert.Equal(1_030_145, critic.ParameterCount());
        Assert.Equal(1_554_177, generator.ParameterCount());
    }

    [Fact]
    public void A_loaded_state_gives_the_same_outputs()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2);
        using nn.Module<Tensor, Tensor> one = Network(random);
        using nn.Module<Tensor, Tensor> other = Network(random);
        Tensor input = randn([3, 4], generator: random);
        Assert.NotEqual(one.forward(input).ToArray<float>(), other.forward(input).ToArray<float>());
        other.RequireGrad();
        other.LoadState(one.State().ToDictionary());
        Assert.Equal(one.forward(input).ToArray<float>(), other.forward(input).ToArray<float>());
    }

    [Fact]
    public void A_state_that_does_not_fit_is_refused_by_name()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        using nn.Module<Tensor, Tensor> network = Network(random);
        var state = network.State().ToDictionary();
        state.Remove("0.bias", out Tensor? bias);
        Assert.Contains("'0.bias'", Refused(), StringComparison.Ordinal);
        state["0.bias"] = zeros([7]);
        Assert.Contains("Float32[7]", Refused(), StringComparison.Ordinal);
        state["0.bias"] = bias!;
        state["extra"] = bias!;
        Assert.Contains("'extra'", Refused(), StringComparison.Ordinal);
        string Refused() => Assert.Throws<InvalidDataException>(() => network.LoadState(state)).Message;
    }

    [Fact]
    public void Training_mode_and_gradients_reach_the_children()
    {
        using var random = new Generator(4);
        using nn.Module<Tensor, Tensor> network = Network(random);
        Assert.False(network.training);
        network.Train(random);
        Assert.All(network.named_children(), child => Assert.True(child.module.training));
        network.eval();
        Assert.All(network.named_children(), child => Assert.False(child.module.training));
        network.RequireGrad();
        Assert.All(network.Parameters(), parameter => Assert.True(parameter.Value.requires_grad));
        Assert.All(network.Buffers(), buffer => Assert.False(buffer.Value.requires_grad));
        network.RequireGrad(false);
        Assert.All(network.Parameters(), parameter => Assert.False(parameter.Value.requires_grad));
    }

    [Fact]
    public void Sequential_frees_what_is_between_its_layers()
    {
        using var random = new Generator(6);
        using nn.Module<Tensor, Tensor> network = Network(random);
        using var input = randn([3, 4], generator: random);
        long before = Settled.Tensors();
        using Tensor output = network.forward(input);
        Assert.Equal(before + 1, LiveTensors.Count);
        Assert.Equal([3, 2], output.shape);
    }

    private static Sequential Network(Generator random) =>
        Layer.Sequential(
            Layer.Linear(4, 6, random),
            Layer.BatchNorm(6, vectors: true),
            nn.ReLU(),
            new SeededDropout(0.5),
            Layer.Linear(6, 2, random)
        );
}
