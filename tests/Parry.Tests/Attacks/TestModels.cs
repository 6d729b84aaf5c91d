using Parry.Models;
using Parry.Models.Architectures;
using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Tests.Attacks;

/// <summary>Logits W·x + b. Each row is summed by itself, so its numbers are the same, bit for bit, in every batch.</summary>
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

        _weights = Tensor.From<float>(W.SelectMany(row => row).ToArray(), 1, classes, shape.Pixels).Own();
        // The gray image lies on all boundaries.
        _biases = _weights.Sum([2]).Mul(-0.5).Own();
        Network = Layers.Linear(_weights, _biases);
    }

    public Module Network { get; }

    /// <summary>One row of weights per class.</summary>
    public float[][] W { get; }

    public ImageShape Shape { get; }

    public int Classes { get; }

    public Tensor Logits(Tensor images) => images.Reshape(-1, 1, Shape.Pixels).Mul(_weights).Sum([2]).Add(_biases);

    /// <summary>Writes a file of classifier E with the same logits, which it lifts above all bends of its ReLUs and lets down at the end.</summary>
    public void SaveAsNetwork(string path)
    {
        const double Lift = 100;
        using var scope = new TensorScope();
        using var random = new Generator(1);
        using Module network = Classifiers.Create("e", Shape, Classes, random);
        var state = network.State.ToDictionary(entry => entry.Key, entry => entry.Value.ZerosLike());
        Tensor passing = Tensor.Range(200).OneHot(200).To(DType.Float32);
        state["fc1.weight"].Slice(0, 0, Classes).CopyInPlace(_weights.Reshape(Classes, Shape.Pixels));
        state["fc1.bias"].Slice(0, 0, Classes).CopyInPlace(_biases.Reshape(Classes).Add(Lift));
        state["fc2.weight"].CopyInPlace(passing);
        state["fc3.weight"].CopyInPlace(passing.Slice(0, 0, Classes));
        state["fc3.bias"].CopyInPlace(Tensor.Full([Classes], -Lift));
        network.Load(state);
        ModelFile.Save(path, network, new ModelDescription { Architecture = "classifier-e", Data = "", Shape = Shape, ClassNames = [.. Enumerable.Range(0, Classes).Select(label => $"{label}")] });
    }
}

/// <summary>A small network with two layers, bent by ReLU.</summary>
internal sealed class SmallNetwork : IClassifier
{
    private readonly Tensor _first, _second;

    public SmallNetwork(ImageShape shape, int classes, int seed)
    {
        (Shape, Classes) = (shape, classes);
        using var random = new Generator(seed);
        _first = Tensor.Normal([32, shape.Pixels], random).Own();
        _second = Tensor.Normal([classes, 32], random).Own();
    }

    public ImageShape Shape { get; }

    public int Classes { get; }

    public Tensor Logits(Tensor images) => images.Sub(0.5).Flatten().Linear(_first).Relu().Linear(_second);
}

/// <summary>Always the same logits, class 0 first: no image can change them.</summary>
internal sealed class ConstantClassifier(ImageShape shape, int classes) : IClassifier, ILayered
{
    public Module Network { get; } = Layers.Linear(Tensor.Zeros([classes, shape.Pixels]), Tensor.Range(classes).To(DType.Float32).Mul(-1));

    public ImageShape Shape => shape;

    public int Classes => classes;

    public Tensor Logits(Tensor images) => images.Flatten().Sum([1], keep: true).Mul(0).Add(Tensor.Range(classes).To(DType.Float32).Mul(-1));
}

/// <summary>Counts the rows that a model is asked about.</summary>
internal sealed class CountingClassifier(IClassifier model) : IClassifier, ILayered
{
    public Module? Network => (model as ILayered)?.Network;

    private long _queries, _gradients;

    public long Queries => _queries;

    public long Gradients => _gradients;

    public ImageShape Shape => model.Shape;

    public int Classes => model.Classes;

    public Tensor Logits(Tensor images)
    {
        Interlocked.Add(ref _queries, images.Size(0));
        return model.Logits(images);
    }

    public LossGradient Gradient(Tensor images, Func<Tensor, Tensor> loss)
    {
        Interlocked.Add(ref _queries, images.Size(0));
        Interlocked.Add(ref _gradients, images.Size(0));
        return model.Gradient(images, loss);
    }
}

/// <summary>Knows whether it is in evaluation mode, demands it when it is asked, and can be made to break.</summary>
internal sealed class ModalClassifier(IClassifier model, int callsUntilFailure = int.MaxValue) : IClassifier, ILayered
{
    public Module? Network => (model as ILayered)?.Network;

    private int _calls;

    public bool Training { get; private set; } = true;

    public ImageShape Shape => model.Shape;

    public int Classes => model.Classes;

    public Tensor Logits(Tensor images)
    {
        Assert.False(Training);
        return Interlocked.Increment(ref _calls) > callsUntilFailure ? throw new TimeoutException("the model broke") : model.Logits(images);
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
    public static Module Linear(Tensor weights, Tensor biases)
    {
        using var random = new Generator(0);
        var layer = new Linear(weights.Size(-1), weights.Size(-2), random);
        layer.Weight.CopyInPlace(weights.Reshape(layer.Weight.Shape));
        layer.Bias!.CopyInPlace(biases.Reshape(layer.Bias.Shape));
        return new Sequential(new Flatten(), layer);
    }
}
