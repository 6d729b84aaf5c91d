using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// EOT, expectation over transformation (Athalye, Engstrom, Ilyas, Kwok, 2017, 1707.07397): a model seen through random
/// transformations, or one that is random itself. Every attack that runs on it attacks the expectation: its gradient is
/// the mean of the gradients of the loss, not the gradient of a loss of mean logits, and its probabilities are the mean
/// probabilities. Each call draws anew, with draws that belong to the samples.
/// </summary>
/// <remarks>A metered pass of it counts once and costs as many passes of the model as it draws.</remarks>
public sealed class ExpectationOverTransformation : IClassifier, IPerSample
{
    private readonly IClassifier _model;
    private readonly int _draws;
    private readonly Func<Tensor, SampleRandom, Tensor>? _transformation;
    private readonly CallDraws _random;

    /// <summary>Wraps a model.</summary>
    /// <param name="model">What sees the transformed images.</param>
    /// <param name="draws">The number of transformations over which each call averages.</param>
    /// <param name="seed">Decides the transformations.</param>
    /// <param name="transformation"> A differentiable function of images [N, C, H, W] in [0, 1] to such images, with
    /// random draws for the same rows, such as <see cref="Noise"/>; null where the model itself is random.
    /// </param>
    public ExpectationOverTransformation(
        IClassifier model,
        int draws,
        long seed,
        Func<Tensor, SampleRandom, Tensor>? transformation = null
    )
        : this(model, draws, transformation, new CallDraws(seed))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(draws, 1);
    }

    private ExpectationOverTransformation(
        IClassifier model,
        int draws,
        Func<Tensor, SampleRandom, Tensor>? transformation,
        CallDraws random
    ) => (_model, _draws, _transformation, _random) = (model, draws, transformation, random);

    /// <inheritdoc/>
    public ImageShape Shape => _model.Shape;

    /// <inheritdoc/>
    public int Classes => _model.Classes;

    /// <summary>
    /// The transformation that adds normal noise of a standard deviation to every value and cuts the result to [0, 1].
    /// </summary>
    public static Func<Tensor, SampleRandom, Tensor> Noise(double deviation) =>
        (images, random) => images.add(random.Normal(0, images.shape.AsSpan(1)).mul_(deviation)).clamp(0.0, 1.0);

    /// <inheritdoc/>
    /// <remarks>
    /// Once bound to samples, a narrower binding goes on counting its calls, so each call has draws of its own.
    /// </remarks>
    public IPredictor For(ReadOnlyMemory<long> samples) =>
        new ExpectationOverTransformation(_model.For(samples), _draws, _transformation, _random.For(samples));

    /// <inheritdoc/>
    public IDisposable? EnterEvaluation() => _model.EnterEvaluation();

    /// <inheritdoc/>
    /// <remarks>The logarithms of the mean probabilities.</remarks>
    public Tensor Logits(Tensor images) =>
        MeanProbabilities(Each(images, transform => _model.Logits(transform(images))));

    /// <inheritdoc/>
    public LossGradient Gradient(Tensor images, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        LossGradient[] passes = Each(
            images,
            transform =>
                _transformation is null
                    ? _model.Gradient(images, loss)
                    : _model.GradientThrough(images, transform, loss)
        );
        return new LossGradient(
            scope.MoveToOuter(MeanProbabilities([.. passes.Select(pass => pass.Logits)])),
            scope.MoveToOuter(stack([.. passes.Select(pass => pass.Losses)]).mean([0])),
            scope.MoveToOuter(stack([.. passes.Select(pass => pass.Gradient)]).mean([0]))
        );
    }

    private T[] Each<T>(Tensor images, Func<Func<Tensor, Tensor>, T> pass)
    {
        SampleRandom random = _random.Next(images);
        return
        [
            .. Enumerable
                .Range(0, _draws)
                .Select(draw =>
                    pass(seen => _transformation is null ? seen : _transformation(seen, random.Fork(draw)))
                ),
        ];
    }

    private Tensor MeanProbabilities(Tensor[] logits) =>
        stack([.. logits.Select(one => one.log_softmax(-1))]).logsumexp(0).sub(Math.Log(_draws));
}
