using Parry.Models;
using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Generative.Quality;

/// <summary>
/// The features of the quality measures: the penultimate layer of a classifier made of Parry's layers, after the last
/// hidden ReLU, and its class probabilities, in evaluation mode. It takes the place of Inception in published work, so
/// numbers are comparable only for the same network.
/// </summary>
/// <remarks>Choose an accurate classifier (at least 99 % on MNIST) that is not the one under attack.</remarks>
public sealed class FeatureNetwork
{
    private const int RowsAtOnce = 250;

    private readonly nn.Module<Tensor, Tensor>[] _hidden;
    private readonly Linear _last;

    /// <summary>
    /// Splits a classifier before its last linear layer. The caller still owns the classifier and must keep it alive.
    /// </summary>
    /// <exception cref="UserErrorException">The classifier does not show its layers, or does not end in a linear
    /// one.</exception>
    public FeatureNetwork(IClassifier classifier)
    {
        if ((classifier as ILayered)?.Network is not Sequential network || network.children().Last() is not Linear last)
            throw new UserErrorException(
                "expected a classifier made of Parry's layers that ends in a linear one, got another: give a "
                    + ".safetensors file that parry train classifier wrote"
            );
        Classifier = classifier;
        _hidden = [.. network.children().SkipLast(1).Cast<nn.Module<Tensor, Tensor>>()];
        _last = last;
    }

    /// <summary>The classifier.</summary>
    public IClassifier Classifier { get; }

    /// <summary>The length D of a feature vector.</summary>
    public int Length => (int)_last.weight.size(1);

    /// <summary>
    /// The features and class probabilities of images, in pieces on the workers, whose number does not change the
    /// result.
    /// </summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="cancellation">Stops between pieces.</param>
    /// <returns>Features [N, D] and probabilities [N, classes], both float64.</returns>
    /// <exception cref="ArgumentException">The images are of another shape, or not in [0, 1], for example those of a
    /// network that ends in tanh.</exception>
    public (Tensor Features, Tensor Probabilities) Of(Tensor images, CancellationToken cancellation = default)
    {
        ImageShape shape = Classifier.Shape;
        if (!images.shape.AsSpan()[1..].SequenceEqual([shape.Channels, shape.Height, shape.Width]))
            throw new ArgumentException($"expected images of {shape}, got {images.Describe()}", nameof(images));
        int count = (int)images.size(0);
        Tensor features = empty([count, Length], ScalarType.Float64);
        Tensor probabilities = empty([count, Classifier.Classes], ScalarType.Float64);
        using IDisposable? mode = Classifier.EnterEvaluation();
        Workers.Shared.RunRows(
            count,
            RowsAtOnce,
            (from, to) =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                Tensor hidden = images.slice(0, from, to, 1);
                if (!(hidden.amin([0, 1, 2, 3]).Item() >= 0 && hidden.amax([0, 1, 2, 3]).Item() <= 1))
                    throw new ArgumentException("expected images in [0, 1], got others: rescale them", nameof(images));
                foreach (nn.Module<Tensor, Tensor> layer in _hidden)
                    hidden = layer.forward(hidden);
                features.slice(0, from, to, 1).copy_(hidden);
                probabilities.slice(0, from, to, 1).copy_(_last.forward(hidden).to(ScalarType.Float64).softmax(-1));
            },
            cancellation
        );
        return (features, probabilities);
    }
}
