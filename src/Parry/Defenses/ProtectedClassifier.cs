using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>Puts purifiers in front of classifiers.</summary>
public static class Purification
{
    /// <summary>
    /// Puts a classifier behind the purifier. To attack the result is the adaptive attack: gradients pass through the
    /// purifier as it says.
    /// </summary>
    /// <param name="purifier">Purifies every image first.</param>
    /// <param name="classifier">Sees the purified images.</param>
    /// <param name="seed">Decides the purifier's draws: the defender and an attacker who rebuilds the defense have
    /// different seeds.</param>
    /// <param name="draws">The number of purifications over which a gradient is averaged: expectation over
    /// transformation, EOT (Athalye et al., 2017, 1707.07397).</param>
    public static ProtectedClassifier Protect(this IPurifier purifier, IClassifier classifier, long seed, int draws = 1)
    {
        Check(purifier, classifier);
        return new ProtectedClassifier(purifier, classifier, seed, draws);
    }

    /// <summary>
    /// Puts a classifier behind the purifier, which makes the same draws in every call: what an attacker attacks who
    /// knows the defender's draws.
    /// </summary>
    /// <param name="purifier">Purifies every image first.</param>
    /// <param name="classifier">Sees the purified images.</param>
    /// <param name="draws">The draws, for any samples.</param>
    public static ProtectedClassifier Protect(this IPurifier purifier, IClassifier classifier, SampleRandom draws)
    {
        Check(purifier, classifier);
        return new ProtectedClassifier(purifier, classifier, draws);
    }

    /// <summary>Puts a model behind the purifier; the result shows as much as the model, labels or scores.</summary>
    /// <param name="purifier">Purifies every image first.</param>
    /// <param name="model">Sees the purified images.</param>
    /// <param name="seed">Decides the purifier's draws.</param>
    public static IPredictor Protect(this IPurifier purifier, IPredictor model, long seed) =>
        Protect(purifier, model, new CallDraws(seed));

    /// <summary>Puts a model behind the purifier, which makes the same draws in every call.</summary>
    /// <param name="purifier">Purifies every image first.</param>
    /// <param name="model">Sees the purified images.</param>
    /// <param name="draws">The draws, for any samples.</param>
    public static IPredictor Protect(this IPurifier purifier, IPredictor model, SampleRandom draws) =>
        Protect(purifier, model, new CallDraws(draws));

    private static ProtectedPredictor Protect(IPurifier purifier, IPredictor model, CallDraws draws)
    {
        Check(purifier, model);
        return ProtectedPredictor.Of(purifier, model, draws);
    }

    private static void Check(IPurifier purifier, IPredictor classifier)
    {
        if (purifier.Shape != classifier.Shape)
            throw new UserErrorException(
                $"the purifier {purifier.Name} takes images of {purifier.Shape}, but the classifier takes images of "
                    + $"{classifier.Shape}: use two that were trained on the same data"
            );
    }
}

/// <summary>
/// A classifier behind a purifier, which can be differentiated as a whole. Every call purifies with fresh draws that
/// belong to the samples, unless fixed draws were given.
/// </summary>
public sealed class ProtectedClassifier : ClassifierWrapper
{
    private readonly IPurifier _purifier;
    private readonly int _draws;
    private readonly CallDraws _random;

    internal ProtectedClassifier(IPurifier purifier, IClassifier classifier, long seed, int draws)
        : this(purifier, classifier, draws, new CallDraws(seed))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(draws, 1);
    }

    internal ProtectedClassifier(IPurifier purifier, IClassifier classifier, SampleRandom draws)
        : this(purifier, classifier, draws: 1, new CallDraws(draws)) { }

    private ProtectedClassifier(IPurifier purifier, IClassifier classifier, int draws, CallDraws random)
        : base(classifier) => (_purifier, _draws, _random) = (purifier, draws, random);

    /// <inheritdoc/>
    public override Tensor Logits(Images images)
    {
        Tensor pixels = images.Pixels;
        if (_purifier.Path == GradientPath.Exact)
            return Model.Logits(images.With(_purifier.Purify(pixels, _random.Next(images)).Images));

        // The value is that of the purified image, the gradient that of the input.
        Tensor purified = PurifyDetached(images);
        if (is_grad_enabled() && pixels.requires_grad)
            purified = pixels + (purified - pixels.detach());
        return Model.Logits(images.With(purified));
    }

    /// <inheritdoc/>
    /// <remarks>The mean over several purifications, if so many draws were asked for.</remarks>
    public override LossGradient Gradient(Images images, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        LossGradient sum = Once(images, loss);
        for (int draw = 1; draw < _draws; draw++)
        {
            LossGradient next = Once(images, loss);
            sum = new(sum.Logits + next.Logits, sum.Losses + next.Losses, sum.Gradient + next.Gradient);
        }

        double share = 1.0 / _draws;
        return new LossGradient(
            scope.MoveToOuter(sum.Logits * share),
            scope.MoveToOuter(sum.Losses * share),
            scope.MoveToOuter(sum.Gradient * share)
        );
    }

    private LossGradient Once(Images images, Func<Tensor, Tensor> loss) =>
        _purifier.Path == GradientPath.Exact
            ? GradientPass.Of(this, images, loss)
            : Model.Gradient(images.With(PurifyDetached(images)), loss);

    private Tensor PurifyDetached(Images images)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(_purifier.Purify(images.Pixels.detach(), _random.Next(images)).Images);
    }
}
