using Parry.Models;
using Parry.Models.Architectures.Layers;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

/// <summary>
/// A small network with two layers, bent by ReLU. Each row is summed by itself, as in <see cref="LinearClassifier"/>.
/// </summary>
internal sealed class SmallNetwork : IClassifier
{
    private readonly Tensor _first;
    private readonly Tensor _second;

    public SmallNetwork(ImageShape shape, int classes, int seed)
    {
        (Shape, Classes) = (shape, classes);
        using var random = new Generator((ulong)seed);
        _first = randn([32, shape.Pixels], generator: random).DetachFromDisposeScope();
        _second = randn([classes, 32], generator: random).DetachFromDisposeScope();
    }

    public ImageShape Shape { get; }

    public int Classes { get; }

    public Tensor Logits(Images images) => Sums(Sums((images.Pixels - 0.5).flatten(1), _first).relu(), _second);

    private static Tensor Sums(Tensor rows, Tensor weights) => (rows.unsqueeze(1) * weights).sum(2);
}

/// <summary>Always the same logits, class 0 first: no image can change them.</summary>
internal sealed class ConstantClassifier(ImageShape shape, int classes) : IClassifier, ILayered
{
    public nn.Module<Tensor, Tensor> Network { get; } =
        Layers.Linear(
            zeros([classes, shape.Pixels]),
            arange(classes, ScalarType.Int64).to(ScalarType.Float32).mul(-1.0)
        );

    public ImageShape Shape => shape;

    public int Classes => classes;

    public Tensor Logits(Images images) =>
        images
            .Pixels.flatten(1)
            .sum(1, true)
            .mul(0.0)
            .add(arange(classes, ScalarType.Int64).to(ScalarType.Float32).mul(-1.0));
}

/// <summary>Counts the rows that a model is asked about.</summary>
internal sealed class CountingClassifier(IClassifier model) : IClassifier, ILayered
{
    public nn.Module<Tensor, Tensor>? Network => (model as ILayered)?.Network;

    private long _queries;
    private long _gradients;

    public long Queries => _queries;

    public long Gradients => _gradients;

    public ImageShape Shape => model.Shape;

    public int Classes => model.Classes;

    public IDisposable? EnterEvaluation() => model.EnterEvaluation();

    public Tensor Logits(Images images)
    {
        Interlocked.Add(ref _queries, images.Count);
        return model.Logits(images);
    }

    public LossGradient Gradient(Images images, Func<Tensor, Tensor> loss)
    {
        Interlocked.Add(ref _queries, images.Count);
        Interlocked.Add(ref _gradients, images.Count);
        return model.Gradient(images, loss);
    }
}

/// <summary>Knows whether it is in evaluation mode, demands it when it is asked, and can be made to break.</summary>
internal sealed class ModalClassifier(IClassifier model, int callsUntilFailure = int.MaxValue) : IClassifier, ILayered
{
    public nn.Module<Tensor, Tensor>? Network => (model as ILayered)?.Network;

    private int _calls;

    public bool Training { get; private set; } = true;

    public ImageShape Shape => model.Shape;

    public int Classes => model.Classes;

    public Tensor Logits(Images images)
    {
        Assert.False(Training);
        return Interlocked.Increment(ref _calls) > callsUntilFailure
            ? throw new TimeoutException("the model broke")
            : model.Logits(images);
    }

    public IDisposable EnterEvaluation()
    {
        Training = false;
        return new Back(this);
    }

    private sealed class Back(ModalClassifier model) : IDisposable
    {
        public void Dispose() => model.Training = true;
    }
}

/// <summary>The test models' weights as networks.</summary>
internal static class Layers
{
    public static nn.Module<Tensor, Tensor> Linear(Tensor weights, Tensor biases)
    {
        using var random = new Generator(0);
        var layer = Layer.Linear(weights.size(-1), weights.size(-2), random);
        layer.weight.copy_(weights.reshape(layer.weight.shape));
        layer.bias!.copy_(biases.reshape(layer.bias.shape));
        return Layer.Sequential(Layer.Flatten(), layer);
    }
}
