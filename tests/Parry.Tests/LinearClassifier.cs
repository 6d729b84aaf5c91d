using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Attacks;
using static TorchSharp.torch;

namespace Parry.Tests;

/// <summary>
/// Logits W·x + b. Each row is summed by itself, so its numbers are the same, bit for bit, in every batch.
/// </summary>
internal sealed class LinearClassifier : IClassifier, ILayered
{
    private readonly Tensor _weights;
    private readonly Tensor _biases;

    public LinearClassifier(ImageShape shape, int classes = 3, int seed = 5)
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

    public Tensor Logits(Images images) => images.Pixels.reshape(-1, 1, Shape.Pixels).mul(_weights).sum(2).add(_biases);

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
