using Parry.Models;
using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Generative.Quality;

/// <summary>
/// A classifier of Parry's own layers as the eye of the quality measures: its penultimate layer, after the last hidden ReLU, and its class probabilities, in
/// evaluation mode. It stands where published work has Inception, so numbers compare only with those of the same network.
/// </summary>
/// <remarks>Give an accurate classifier (at least 99 % on MNIST), and not the one that is attacked.</remarks>
public sealed class FeatureNetwork
{
    private const int RowsAtOnce = 250;

    private readonly Module[] _hidden;
    private readonly Linear _last;

    /// <summary>Cuts a classifier before its last linear layer. The classifier stays its owner's, who keeps it alive.</summary>
    /// <exception cref="UserErrorException">The classifier does not show its layers, or does not end in a linear one.</exception>
    public FeatureNetwork(IClassifier classifier)
    {
        if ((classifier as ILayered)?.Network is not Sequential network || network.Children[^1].Value is not Linear last)
            throw new UserErrorException("expected a classifier of Parry's own layers that ends in a linear one, got another: give a .safetensors file that parry train classifier wrote");
        Classifier = classifier;
        _hidden = [.. network.Children.Take(network.Children.Count - 1).Select(layer => layer.Value)];
        _last = last;
    }

    /// <summary>The classifier.</summary>
    public IClassifier Classifier { get; }

    /// <summary>The length D of a feature vector.</summary>
    public int Length => (int)_last.Weight.Size(1);

    /// <summary>The features and class probabilities of images, in pieces on the workers; their number changes nothing.</summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="cancellation">Stops between pieces.</param>
    /// <returns>Features [N, D] and probabilities [N, classes], both float64.</returns>
    /// <exception cref="ArgumentException">The images are of another shape, or leave [0, 1] as those of a tanh network would.</exception>
    public (Tensor Features, Tensor Probabilities) Of(Tensor images, CancellationToken cancellation = default)
    {
        ImageShape shape = Classifier.Shape;
        if (!images.Shape.AsSpan()[1..].SequenceEqual([shape.Channels, shape.Height, shape.Width])) throw new ArgumentException($"expected images of {shape}, got {images.Describe()}", nameof(images));
        int count = (int)images.Size(0);
        Tensor features = Tensor.Empty([count, Length], DType.Float64), probabilities = Tensor.Empty([count, Classifier.Classes], DType.Float64);
        using IDisposable? mode = Classifier.EnterEvaluation();
        Workers.Shared.Run((count + RowsAtOnce - 1) / RowsAtOnce, piece =>
        {
            using var frozen = Autograd.NoGrad();
            using var scope = new TensorScope();
            int from = piece * RowsAtOnce, to = Math.Min(count, from + RowsAtOnce);
            Tensor hidden = images.Slice(0, from, to);
            if (!(hidden.Amin([0, 1, 2, 3]).ToDouble() >= 0 && hidden.Amax([0, 1, 2, 3]).ToDouble() <= 1)) throw new ArgumentException("expected images in [0, 1], got others: rescale them", nameof(images));
            foreach (Module layer in _hidden) hidden = layer.Forward(hidden);
            features.Slice(0, from, to).CopyInPlace(hidden);
            probabilities.Slice(0, from, to).CopyInPlace(_last.Forward(hidden).To(DType.Float64).Softmax());
        }, cancellation);
        return (features, probabilities);
    }
}
