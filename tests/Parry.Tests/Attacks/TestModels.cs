using Parry.Models;
using Parry.Models.Architectures;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

/// <summary>
/// Logits W·x + b. Each row is summed by itself, so its numbers are the same, bit for bit, in every batch.
/// </summary>
internal sealed class LinearClassifier : IClassifier, ILayered
{
    private readonly Tensor _weights;
    private readonly Tensor _biases;

    public LinearClassifier(ImageShape shape, int classes, int seed)
    {
        (Shape, Classes, W) = (shape, classes, new float[classes][]);
        var random = new Random(seed);
        for (int i = 0; i < classes; i++)
        {
            // Rows at right angles: the class with the next logit is also the nearest in L2.
            double[] row = [.. Enumerable.Range(0, shape.Pixels).Select(_ => random.NextDouble() - 0.5)];
            foreach (float[] other in W.Take(i))
            {
                double along = row.Zip(other, (a, b) => a * b).Sum() / other.Sum(b => (double)b * b);
                row = [.. row.Zip(other, (a, b) => a - (along * b))];
            }

            double scale = Math.Sqrt(shape.Pixels / row.Sum(a => a * a));
            W[i] = [.. row.Select(a => (float)(a * scale))];
        }

        _weights = tensor(W.SelectMany(row => row).ToArray(), [1, classes, shape.Pixels]).DetachFromDisposeScope();
        // The gray image lies on all boundaries.
        _biases = _weights.sum(2).mul(-0.5).DetachFromDisposeScope();
        Network = Layers.Linear(_weights, _biases);
    }

    public nn.Module<Tensor, Tensor> Network { get; }

    /// <summary>One row of weights per class.</summary>
    public float[][] W { get; }

    public ImageShape Shape { get; }

    public int Classes { get; }

    public Tensor Logits(Tensor images) => images.reshape(-1, 1, Shape.Pixels).mul(_weights).sum(2).add(_biases);

    /// <summary>
    /// Writes a file of classifier E with the same logits, which it lifts above all bends of its ReLUs and lets down at
    /// the end.
    /// </summary>
    public void SaveAsNetwork(string path)
    {
        const double Lift = 100;
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using nn.Module<Tensor, Tensor> network = Classifiers.Create("e", Shape, Classes, random);
        var state = network.State().ToDictionary(entry => entry.Key, entry => zeros_like(entry.Value));
        Tensor passing = nn.functional.one_hot(arange(200, ScalarType.Int64), 200).to(ScalarType.Float32);
        state["fc1.weight"].slice(0, 0, Classes, 1).copy_(_weights.reshape(Classes, Shape.Pixels));
        state["fc1.bias"].slice(0, 0, Classes, 1).copy_(_biases.reshape(Classes).add(Lift));
        state["fc2.weight"].copy_(passing);
        state["fc3.weight"].copy_(passing.slice(0, 0, Classes, 1));
        state["fc3.bias"].copy_(full([Classes], -Lift));
        network.LoadState(state);
        ModelFile.Save(
            path,
            network,
            new ModelDescription
            {
                Architecture = "classifier-e",
                Data = "",
                Shape = Shape,
                ClassNames = [.. Enumerable.Range(0, Classes).Select(label => $"{label}")],
            }
        );
    }
}

/// <summary>A small network with two layers, bent by ReLU.</summary>
internal sealed class SmallNetwork : IClassifier
{
    private readonly Tensor _first,
        _second;

    public SmallNetwork(ImageShape shape, int classes, int seed)
    {
        (Shape, Classes) = (shape, classes);
        using var random = new Generator((ulong)seed);
        _first = randn([32, shape.Pixels], generator: random).DetachFromDisposeScope();
        _second = randn([classes, 32], generator: random).DetachFromDisposeScope();
    }

    public ImageShape Shape { get; }

    public int Classes { get; }

    public Tensor Logits(Tensor images) =>
        nn.functional.linear(nn.functional.linear(images.sub(0.5).flatten(1), _first).relu(), _second);
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

    public Tensor Logits(Tensor images) =>
        images.flatten(1).sum(1, true).mul(0.0).add(arange(classes, ScalarType.Int64).to(ScalarType.Float32).mul(-1.0));
}

/// <summary>Counts the rows that a model is asked about.</summary>
internal sealed class CountingClassifier(IClassifier model) : IClassifier, ILayered
{
    public nn.Module<Tensor, Tensor>? Network => (model as ILayered)?.Network;

    private long _queries,
        _gradients;

    public long Queries => _queries;

    public long Gradients => _gradients;

    public ImageShape Shape => model.Shape;

    public int Classes => model.Classes;

    public IDisposable? EnterEvaluation() => model.EnterEvaluation();

    public Tensor Logits(Tensor images)
    {
        Interlocked.Add(ref _queries, images.size(0));
        return model.Logits(images);
    }

    public LossGradient Gradient(Tensor images, Func<Tensor, Tensor> loss)
    {
        Interlocked.Add(ref _queries, images.size(0));
        Interlocked.Add(ref _gradients, images.size(0));
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

    public Tensor Logits(Tensor images)
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
