using Parry.Models.Architectures;
using Parry.Models.Training;
using Parry.Runtime;
using Parry.Tests.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public class OptimizerTests : LeakChecked
{
    private const double Rate = 0.1;

    // Two gradients for a parameter that starts at 2.
    private const double G1 = 3;
    private const double G2 = -0.5;

    public static TheoryData<string> Kinds => ["rmsprop", "adam", "sgd"];

    [Fact]
    public void RmsProp_divides_by_the_root_of_the_mean_square()
    {
        double s1 = 0.01 * G1 * G1;
        double s2 = 0.99 * s1 + 0.01 * G2 * G2;
        double expected = 2 - Rate * G1 / (Math.Sqrt(s1) + 1e-8) - Rate * G2 / (Math.Sqrt(s2) + 1e-8);
        Assert.Equal(expected, TwoSteps(p => Optimizers.RmsProp(p, Rate)), 12);
    }

    [Fact]
    public void Adam_corrects_its_moments()
    {
        double m1 = 0.5 * G1;
        double m2 = 0.5 * m1 + 0.5 * G2;
        double v1 = 0.1 * G1 * G1;
        double v2 = 0.9 * v1 + 0.1 * G2 * G2;
        double expected =
            2 - Rate * (m1 / 0.5) / (Math.Sqrt(v1 / 0.1) + 1e-8) - Rate * (m2 / 0.75) / (Math.Sqrt(v2 / 0.19) + 1e-8);
        Assert.Equal(expected, TwoSteps(p => Optimizers.Adam(p, Rate, 0.5, 0.9)), 12);
    }

    [Fact]
    public void Sgd_keeps_momentum_and_pulls_weights_to_zero()
    {
        double v1 = G1 + 0.01 * 2;
        double x1 = 2 - Rate * v1;
        double v2 = 0.9 * v1 + G2 + 0.01 * x1;
        Assert.Equal(x1 - Rate * v2, TwoSteps(p => Optimizers.Sgd(p, Rate, 0.9, 0.01)), 12);
    }

    [Fact]
    public void Sgd_without_momentum_steps_along_the_gradient() =>
        Assert.Equal(2 - Rate * (G1 + G2), TwoSteps(p => Optimizers.Sgd(p, Rate, momentum: 0)), 12);

    [Fact]
    public void Weight_decay_is_part_of_Adams_gradient()
    {
        // The first step of Adam is as long whatever the gradient: here its sign comes from the decay.
        using var scope = NewDisposeScope();
        Tensor x = ones([1]);
        using optim.Optimizer adam = Optimizers.Adam([x], Rate, weightDecay: 0.5);
        adam.Step(tensor([-0.4f]));
        Assert.Equal(1 - Rate, x.Item(), 6);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void It_finds_the_lowest_point_of_a_bowl(string kind)
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new double[] { 3.0, -2.0 }).requires_grad_();
        Tensor lowest = tensor(new double[] { 0.5, 1.0 });
        Tensor steepness = tensor(new double[] { 1.0, 4.0 });
        using optim.Optimizer optimizer = Make(kind, [x], 0.05);
        for (int i = 0; i < 600; i++)
        {
            using var step = NewDisposeScope();
            optimizer.SetLearningRate(0.05 * (1 - i / 600.0));
            optimizer.Step(Autograd.Grad(x.sub(lowest).pow(2.0).mul(steepness).sum(), x));
        }

        GradientCheck.Close([0.5, 1.0], x.ToArray<double>(), kind, 1e-3);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_restored_state_continues_bit_for_bit(string kind)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        Tensor a = randn([30], generator: random);
        Tensor b = a.clone();
        Tensor[] gradients = [.. Enumerable.Range(0, 8).Select(_ => randn([30], generator: random))];
        using optim.Optimizer through = Make(kind, [a], Rate);
        using optim.Optimizer until = Make(kind, [b], Rate);
        using optim.Optimizer from = Make(kind, [b], Rate);
        foreach (Tensor gradient in gradients)
            through.Step(gradient);
        foreach (Tensor gradient in gradients[..5])
            until.Step(gradient);
        from.Restore(until.State());
        long steps = kind == "sgd" ? 0 : 5;
        Assert.Equal(steps, from.Steps());
        foreach (Tensor gradient in gradients[5..])
            from.Step(gradient);
        Assert.Equal(a.ToArray<float>(), b.ToArray<float>());
        Assert.Equal([kind == "sgd" ? 0 : 8L], from.State()["steps"].ToArray<long>());
        Assert.Equal([steps], until.State()["steps"].ToArray<long>());
    }

    [Fact]
    public void A_state_of_another_kind_or_shape_is_refused_and_changes_nothing()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones([2]);
        using optim.Optimizer adam = Optimizers.Adam([x]);
        using optim.Optimizer larger = Optimizers.Adam([ones([3])]);
        using optim.Optimizer rms = Optimizers.RmsProp([x], Rate);
        rms.Step(ones([2]));
        Assert.Contains(
            "first.0",
            Assert.Throws<InvalidDataException>(() => adam.Restore(rms.State())).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "square.0",
            Assert.Throws<InvalidDataException>(() => rms.Restore(adam.State())).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "[3]",
            Assert.Throws<InvalidDataException>(() => adam.Restore(larger.State())).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(0, adam.Steps());
        Assert.Equal(1, rms.Steps());
    }

    [Fact]
    public void A_parameter_without_a_gradient_stays()
    {
        using var scope = NewDisposeScope();
        Tensor moved = ones([1]);
        Tensor still = ones([1]);
        using var optimizer = Optimizers.Adam([moved, still], Rate);
        optimizer.Step(ones([1]), null);
        Assert.Equal(0.9, moved.Item(), 6);
        Assert.Equal(1, still.Item());
        Assert.Throws<ArgumentException>(() => optimizer.Step(ones([1])));
    }

    private static double TwoSteps(Func<Tensor[], optim.Optimizer> make)
    {
        using var scope = NewDisposeScope();
        Tensor parameter = tensor(new double[] { 2.0 }).requires_grad_();
        Tensor gradient = tensor(new double[] { G1 });
        using optim.Optimizer optimizer = make([parameter]);
        optimizer.Step(gradient);
        Assert.Equal(G1, gradient.Item());
        optimizer.Step(tensor(new double[] { G2 }));
        Assert.True(parameter.requires_grad);
        return parameter.Item();
    }

    private static optim.Optimizer Make(string kind, Tensor[] parameters, double rate) =>
        kind switch
        {
            "rmsprop" => Optimizers.RmsProp(parameters, rate),
            "sgd" => Optimizers.Sgd(parameters, rate),
            _ => Optimizers.Adam(parameters, rate),
        };
}
