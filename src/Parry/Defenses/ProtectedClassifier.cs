using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>Puts purifiers in front of classifiers.</summary>
public static class Purification
{
    /// <summary>
    /// The classifier behind the purifier. Attacking it is the adaptive attack: gradients pass as the purifier says.
    /// </summary>
    /// <param name="purifier">What every image passes first.</param>
    /// <param name="classifier">What sees the purified image.</param>
    /// <param name="seed">Decides the purifier's draws: the defender and the attacker who rebuilds the defense have
    /// different ones.</param>
    /// <param name="draws">Over how many purifications a gradient is averaged: expectation over transformation, EOT
    /// (1707.07397).</param>
    public static ProtectedClassifier Protect(this IPurifier purifier, IClassifier classifier, long seed, int draws = 1)
    {
        Check(purifier, classifier);
        return new ProtectedClassifier(purifier, classifier, seed, draws);
    }

    /// <summary>
    /// The classifier behind the purifier, which makes the same draws in every call: what an attacker who knows the
    /// defender's seed attacks.
    /// </summary>
    /// <param name="purifier">What every image passes first.</param>
    /// <param name="classifier">What sees the purified image.</param>
    /// <param name="draws">The draws, for any samples.</param>
    public static ProtectedClassifier Protect(this IPurifier purifier, IClassifier classifier, SampleRandom draws)
    {
        Check(purifier, classifier);
        return new ProtectedClassifier(purifier, classifier, draws);
    }

    /// <summary>A model that shows labels or scores only, behind the purifier; it shows as much.</summary>
    /// <param name="purifier">What every image passes first.</param>
    /// <param name="model">What sees the purified image.</param>
    /// <param name="seed">Decides the purifier's draws.</param>
    public static IPredictor Protect(this IPurifier purifier, IPredictor model, long seed) =>
        Protect(purifier, model, new CallDraws(seed));

    /// <summary>Such a model behind the purifier, which makes the same draws in every call.</summary>
    /// <param name="purifier">What every image passes first.</param>
    /// <param name="model">What sees the purified image.</param>
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
                $"The purifier {purifier.Name} takes images of {purifier.Shape} and the classifier of "
                    + $"{classifier.Shape}; use ones trained on the same data."
            );
    }
}

/// <summary>
/// A classifier behind a purifier, seen whole. Every call purifies anew, with draws that belong to the samples, unless
/// the draws are known.
/// </summary>
public sealed class ProtectedClassifier : IClassifier, IPerSample
{
    private readonly IPurifier _purifier;
    private readonly IClassifier _classifier;
    private readonly int _draws;
    private readonly CallDraws _random;

    internal ProtectedClassifier(IPurifier purifier, IClassifier classifier, long seed, int draws)
        : this(purifier, classifier, draws, new CallDraws(seed))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(draws, 1);
    }

    internal ProtectedClassifier(IPurifier purifier, IClassifier classifier, SampleRandom draws)
        : this(purifier, classifier, draws: 1, new CallDraws(draws)) { }

    private ProtectedClassifier(IPurifier purifier, IClassifier classifier, int draws, CallDraws random) =>
        (_purifier, _classifier, _draws, _random) = (purifier, classifier, draws, random);

    /// <inheritdoc/>
    public ImageShape Shape => _classifier.Shape;

    /// <inheritdoc/>
    public int Classes => _classifier.Classes;

    /// <inheritdoc/>
    /// <remarks>
    /// Once bound to samples, a narrower binding goes on counting its calls, so each call has draws of its own.
    /// </remarks>
    public IPredictor For(ReadOnlyMemory<long> samples) =>
        new ProtectedClassifier(_purifier, _classifier.For(samples), _draws, _random.For(samples));

    /// <inheritdoc/>
    public IDisposable? EnterEvaluation() => _classifier.EnterEvaluation();

    /// <inheritdoc/>
    public Tensor Logits(Tensor images)
    {
        SampleRandom random = _random.Next(images);
        if (_purifier.Path == GradientPath.Exact)
            return _classifier.Logits(_purifier.Purify(images, random).Images);
        Tensor purified = PurifyUnseen(images, random);

        // The value is the purified image; autograd sees the input itself.
        return _classifier.Logits(
            is_grad_enabled() && images.requires_grad ? images.add(purified.sub(images.detach()).detach()) : purified
        );
    }

    /// <inheritdoc/>
    public LossGradient Gradient(Tensor images, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        LossGradient? sum = null;
        for (int draw = 0; draw < _draws; draw++)
        {
            LossGradient one =
                _purifier.Path == GradientPath.Exact
                    ? ((IClassifier)new Once(this)).Gradient(images, loss)
                    : _classifier.Gradient(PurifyUnseen(images, _random.Next(images)), loss);
            sum = sum is null
                ? one
                : new LossGradient(
                    sum.Logits.add(one.Logits),
                    sum.Losses.add(one.Losses),
                    sum.Gradient.add(one.Gradient)
                );
        }

        double share = 1.0 / _draws;
        return new LossGradient(
            scope.MoveToOuter(sum!.Logits.mul(share)),
            scope.MoveToOuter(sum.Losses.mul(share)),
            scope.MoveToOuter(sum.Gradient.mul(share))
        );
    }

    private Tensor PurifyUnseen(Tensor images, SampleRandom random)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(_purifier.Purify(images.detach(), random).Images);
    }

    // One purification seen by autograd, without this class's averaging.
    private sealed class Once(ProtectedClassifier whole) : IClassifier
    {
        public ImageShape Shape => whole.Shape;

        public int Classes => whole.Classes;

        public Tensor Logits(Tensor images) => whole.Logits(images);
    }
}
