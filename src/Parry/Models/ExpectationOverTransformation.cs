using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// EOT, expectation over transformation (Athalye, Engstrom, Ilyas, Kwok, 2017, 1707.07397): averages a model over
/// random transformations of its input, or over the randomness of the model itself. An attack on it attacks the
/// expectation: its gradient is the mean of the gradients of the loss, not the gradient of the loss of mean logits, and
/// its probabilities are mean probabilities. Each call makes new draws, separately for each sample.
/// </summary>
/// <remarks>A metered pass counts once and costs one pass of the model for each draw.</remarks>
public sealed class ExpectationOverTransformation : ClassifierWrapper
{
    private readonly int _draws;
    private readonly Func<Tensor, SampleRandom, Tensor>? _transformation;
    private readonly CallDraws _random;

    /// <summary>Wraps a model.</summary>
    /// <param name="model">The model that classifies the transformed images.</param>
    /// <param name="draws">The number of transformations over which each call averages.</param>
    /// <param name="seed">The seed of the transformations.</param>
    /// <param name="transformation">A differentiable function of images [N, C, H, W] in [0, 1] to such images, with
    /// random draws for the same rows, such as <see cref="Noise"/>; null where the model itself is random.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of draws is below 1.</exception>
    public ExpectationOverTransformation(
        IClassifier model,
        int draws,
        long seed,
        Func<Tensor, SampleRandom, Tensor>? transformation = null
    )
        : base(model)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(draws, 1);
        (_draws, _transformation, _random) = (draws, transformation, new CallDraws(seed));
    }

    /// <summary>
    /// Makes the transformation that adds normal noise with a standard deviation to every value and clips the result to
    /// [0, 1].
    /// </summary>
    public static Func<Tensor, SampleRandom, Tensor> Noise(double deviation) =>
        (images, random) => (images + (deviation * random.Normal(0, images.shape.AsSpan(1)))).clamp(0.0, 1.0);

    /// <inheritdoc/>
    /// <remarks>These are the logarithms of the mean probabilities.</remarks>
    public override Tensor Logits(Images images) =>
        MeanProbabilities(ForEachDraw(images, transform => Model.Logits(images.With(transform(images.Pixels)))));

    /// <inheritdoc/>
    public override LossGradient Gradient(Images images, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        LossGradient[] passes = ForEachDraw(
            images,
            transform =>
                _transformation is null
                    ? Model.Gradient(images, loss)
                    : Model.GradientThrough(images, images.Pixels, transform, loss)
        );
        return new LossGradient(
            scope.MoveToOuter(MeanProbabilities([.. passes.Select(pass => pass.Logits)])),
            scope.MoveToOuter(stack([.. passes.Select(pass => pass.Losses)]).mean([0])),
            scope.MoveToOuter(stack([.. passes.Select(pass => pass.Gradient)]).mean([0]))
        );
    }

    private T[] ForEachDraw<T>(Images images, Func<Func<Tensor, Tensor>, T> pass)
    {
        SampleRandom random = _random.Next(images);
        var results = new T[_draws];
        for (int draw = 0; draw < _draws; draw++)
        {
            SampleRandom own = random.Fork(draw);
            results[draw] = pass(pixels => _transformation is null ? pixels : _transformation(pixels, own));
        }

        return results;
    }

    private Tensor MeanProbabilities(Tensor[] logits) =>
        stack([.. logits.Select(one => one.log_softmax(-1))]).logsumexp(0) - Math.Log(_draws);
}
