using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Models.Training;
using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

public sealed class AdversarialWeightPerturbationTests : IDisposable
{
    private const double Size = 0.02;
    private const int Count = 6;

    private readonly Linear _linear;
    private readonly Tensor _points;
    private readonly Tensor _labels;

    public AdversarialWeightPerturbationTests()
    {
        using var random = new Generator(3);
        _linear = Layer.Linear(8, 3, random);
        _linear.RequireGrad();
        _points = rand([Count, 8], generator: random);
        _labels = tensor(new long[] { 0L, 1, 2, 0, 1, 2 });
    }

    public void Dispose()
    {
        _linear.Dispose();
        _points.Dispose();
        _labels.Dispose();
    }

    [Fact]
    public void Each_layer_moves_by_its_share_of_its_length_in_the_worst_direction_and_biases_stay()
    {
        using var scope = NewDisposeScope();
        Tensor weight = _linear.weight;
        Tensor bias = _linear.bias!;
        Tensor[] gradients = Gradients(weight, bias);
        using var frozen = no_grad();
        Tensor[] worst = AdversarialWeightPerturbation.Worst([weight, bias], gradients, Size);

        Tensor moved = worst[0] - weight;
        Tensor length = Size * weight.norm();
        Assert.Equal(length.Item(), moved.norm().Item(), 1e-6);
        Assert.Equal(1, (moved * gradients[0]).sum().Item() / (moved.norm() * gradients[0].norm()).Item(), 1e-5);
        Assert.Equal(bias.ToArray<float>(), worst[1].ToArray<float>());

        double raised = Loss(worst[0], bias).Item();
        Assert.True(raised > Loss(weight, bias).Item());
        using var random = new Generator(5);
        for (int i = 0; i < 20; i++)
        {
            Tensor other = randn(weight.shape, generator: random);
            Tensor elsewhere = weight + (length * other / other.norm());
            Assert.True(Loss(elsewhere, bias).Item() < raised);
        }
    }

    [Fact]
    public void A_layer_without_a_gradient_stays()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Tensor[] worst = AdversarialWeightPerturbation.Worst([_linear.weight], [zeros_like(_linear.weight)], Size);
        Assert.Equal(_linear.weight.ToArray<float>(), worst[0].ToArray<float>());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_step_from_the_weights_follows_the_gradient_at_the_worst_weights_of_the_whole_batch(int pieces)
    {
        using var scope = NewDisposeScope();
        Tensor weight = _linear.weight;
        Tensor bias = _linear.bias!;
        Tensor[] gradients = Gradients(weight, bias);
        Tensor worst;
        using (no_grad())
            worst = AdversarialWeightPerturbation.Worst([weight, bias], gradients, Size)[0].requires_grad_();
        Tensor[] there = Gradients(worst, bias);
        using Learner learner = Make(pieces, rate: 0.5);
        BatchLoss step = Minimize(learner, pieces);

        using var frozen = no_grad();
        Assert.Equal(Loss(worst, bias).Item() * Count, step.Loss, 1e-4);
        Assert.InRange((learner.Weights[0] - (weight - (0.5 * there[0]))).abs().max().Item(), 0, 1e-6);
        Assert.InRange((learner.Weights[1] - (bias - (0.5 * there[1]))).abs().max().Item(), 0, 1e-6);
    }

    [Fact]
    public void Weights_are_exactly_what_they_were_when_the_optimizer_stands_still()
    {
        float[] before = _linear.weight.ToArray<float>();
        using Learner learner = Make(pieces: 2, rate: 0);
        Minimize(learner, pieces: 2);
        Assert.Equal(before, learner.Weights[0].ToArray<float>());
    }

    [Fact]
    public void Without_replicas_there_is_nothing_to_perturb()
    {
        using Linear linear = Copy();
        Assert.Throws<ArgumentException>(() =>
            new Learner("linear", linear, weights => Optimizers.Sgd(weights, 0.1)) { WeightPerturbation = Size }
        );
    }

    private Tensor[] Gradients(Tensor weight, Tensor bias) =>
        [.. Autograd.Grad([Loss(weight, bias)], [weight, bias]).Select(gradient => gradient!)];

    private Tensor Loss(Tensor weight, Tensor bias) =>
        nn.functional.cross_entropy(nn.functional.linear(_points, weight, bias), _labels);

    // The learner owns copies, so that the layer stays as it is.
    private Learner Make(int pieces, double rate)
    {
        Linear[] copies = [.. Enumerable.Range(0, 1 + pieces).Select(_ => Copy())];
        return new Learner("linear", copies[0], weights => Optimizers.Sgd(weights, rate, momentum: 0), copies[1..])
        {
            WeightPerturbation = Size,
        };
    }

    private Linear Copy()
    {
        using var random = new Generator(1);
        Linear copy = Layer.Linear(8, 3, random);
        using var frozen = no_grad();
        copy.weight.copy_(_linear.weight);
        copy.bias!.copy_(_linear.bias!);
        return copy;
    }

    private BatchLoss Minimize(Learner learner, int pieces) =>
        learner.Minimize(
            pieces,
            Count,
            (network, piece) =>
            {
                Tensor rows = arange(piece * Count / pieces, (piece + 1) * Count / pieces);
                Tensor logits = network.forward(_points.index_select(0, rows));
                Tensor labels = _labels.index_select(0, rows);
                return (nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.Sum), null);
            }
        );
}
