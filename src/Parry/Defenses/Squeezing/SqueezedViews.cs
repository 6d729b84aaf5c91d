using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Defenses.Squeezing;

/// <summary>
/// The attacker's answer to feature squeezing (after He, Wei, Chen, Carlini, Song, 2017, 1706.04701): a classifier that
/// gives the mean of the probabilities of an image and of all its squeezed versions. An image that fools this mean
/// fools all views alike, and the detector, which looks for views that differ, finds nothing.
/// </summary>
/// <param name="classifier">Sees each view.</param>
/// <param name="squeezers">Make the views; a gradient passes through each as the squeezer says.</param>
public sealed class SqueezedViews(IClassifier classifier, IReadOnlyList<IPurifier> squeezers)
    : ClassifierWrapper(classifier)
{
    private readonly IClassifier[] _views =
    [
        classifier,
        .. squeezers.Select(squeezer => squeezer.Protect(classifier, seed: 0)),
    ];

    /// <inheritdoc/>
    /// <remarks>The logarithms of the mean probabilities.</remarks>
    public override Tensor Logits(Images images)
    {
        Tensor logProbabilities = stack([.. _views.Select(view => view.Logits(images).log_softmax(-1))]);
        return logProbabilities.logsumexp(0) - Math.Log(_views.Length);
    }
}
