using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>
/// Randomized smoothing (Cohen, Rosenfeld, Kolter, 2019, 1902.02918): gives the class that a classifier predicts most
/// often for the image with normal noise. If it predicts the class with probability p, no perturbation with an L2 norm
/// below σ·Φ⁻¹(p) changes the answer: <see cref="Certify"/> proves a radius from a lower bound of p. The classifier
/// should be trained on noisy images; the noise is not clipped to [0, 1].
/// </summary>
/// <remarks>
/// Attacks see the mean of probabilities, with gradients averaged over the draws
/// (<see cref="ExpectationOverTransformation"/>). Predictions count votes and do not abstain; the draws of a sample are
/// the same in every call.
/// </remarks>
public sealed class RandomizedSmoothing : ClassifierWrapper
{
    private const int DrawsAtOnce = 100;
    private const int RowsAtOnce = 500;

    private readonly double _deviation;
    private readonly int _draws;
    private readonly SampleRandom _random;
    private readonly ExpectationOverTransformation _soft;

    /// <summary>Wraps a classifier.</summary>
    /// <param name="model">The classifier that sees the noisy images.</param>
    /// <param name="deviation">σ: the standard deviation of the noise, for images in [0, 1].</param>
    /// <param name="draws">The number of votes of a prediction.</param>
    /// <param name="seed">Decides the noise.</param>
    /// <exception cref="ArgumentOutOfRangeException">The deviation or the number of draws is not positive.</exception>
    public RandomizedSmoothing(IClassifier model, double deviation, int draws, long seed)
        : base(model)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(deviation);
        ArgumentOutOfRangeException.ThrowIfLessThan(draws, 1);
        (_deviation, _draws) = (deviation, draws);
        _random = new SampleRandom(seed, default);
        _soft = Mean(model, deviation, draws, seed);
    }

    /// <summary>
    /// What an attacker differentiates: the logarithms of the probabilities averaged over draws of the noise.
    /// </summary>
    /// <param name="model">The classifier that sees the noisy images.</param>
    /// <param name="deviation">The standard deviation of the noise.</param>
    /// <param name="draws">The number of draws over which each call averages.</param>
    /// <param name="seed">Decides the noise.</param>
    public static ExpectationOverTransformation Mean(IClassifier model, double deviation, int draws, long seed) =>
        new(model, draws, seed, (images, random) => images + (deviation * random.Normal(0, images.shape.AsSpan(1))));

    /// <inheritdoc/>
    /// <remarks>The class with the most votes.</remarks>
    public override Tensor Predict(Images images)
    {
        int[][] votes = Votes(images, _random.For(images.Samples), _draws);
        return tensor(
            Array.ConvertAll(
                votes,
                counts => counts.Max() == 0 ? Predictions.None : Array.IndexOf(counts, counts.Max())
            )
        );
    }

    /// <inheritdoc/>
    public override Tensor Logits(Images images) => _soft.Logits(images);

    /// <inheritdoc/>
    public override LossGradient Gradient(Images images, Func<Tensor, Tensor> loss) => _soft.Gradient(images, loss);

    /// <summary>
    /// Proves for each image a radius within which the answer does not change, by the paper's CERTIFY: some votes
    /// choose the class, others bound its probability.
    /// </summary>
    /// <param name="images">In [0, 1].</param>
    /// <param name="selection">Votes that choose the class; 100 in the paper.</param>
    /// <param name="samples">Votes that bound its probability; 100,000 in the paper. With n, no radius exceeds
    /// σ·Φ⁻¹(alpha^(1/n)).</param>
    /// <param name="alpha">The probability of claiming too much, for each image, in (0, 1/2); 0.001 in the
    /// paper.</param>
    /// <param name="cancellation">Stops between blocks of votes.</param>
    /// <returns>A certificate for each image.</returns>
    public Certificate[] Certify(
        Images images,
        int selection,
        int samples,
        double alpha,
        CancellationToken cancellation = default
    )
    {
        SampleRandom random = _random.For(images.Samples);
        int[][] selected = Votes(images, random.Fork(0), selection, cancellation);
        int[][] counted = Votes(images, random.Fork(1), samples, cancellation);
        return [.. selected.Zip(counted, Prove)];

        Certificate Prove(int[] choice, int[] votes)
        {
            int top = Array.IndexOf(choice, choice.Max());
            double probability = ClopperPearson.Lower(votes[top], samples, alpha);
            return probability > 0.5
                ? new Certificate(top, _deviation * NormalDistribution.Quantile(probability))
                : new Certificate(null, 0);
        }
    }

    // How often each class is predicted, for each image.
    private int[][] Votes(Images images, SampleRandom random, int draws, CancellationToken cancellation = default)
    {
        int size = Math.Max(1, RowsAtOnce / Math.Min(draws, DrawsAtOnce));
        return
        [
            .. Workers
                .Shared.MapRows(
                    images.Count,
                    size,
                    (from, to) =>
                    {
                        using var frozen = no_grad();
                        using var scope = NewDisposeScope();
                        return Votes(
                            images.Pixels.slice(0, from, to, 1).unsqueeze(1),
                            random.For(random.Samples[from..to]),
                            draws,
                            to - from,
                            cancellation
                        );
                    },
                    cancellation
                )
                .SelectMany(part => part),
        ];
    }

    private int[][] Votes(Tensor images, SampleRandom random, int draws, int rows, CancellationToken cancellation)
    {
        int[][] votes = [.. Enumerable.Range(0, rows).Select(_ => new int[Classes])];
        for (int from = 0; from < draws; from += DrawsAtOnce)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            int block = Math.Min(DrawsAtOnce, draws - from);
            Tensor noise = random.Normal(from, block, Shape.Channels, Shape.Height, Shape.Width);
            Tensor noisy = (_deviation * noise) + images;
            long[] samples = [.. random.Samples.ToArray().SelectMany(sample => Enumerable.Repeat(sample, block))];
            long[] given = Model.Predict(new Images(noisy.flatten(0, 1), samples)).ToArray<long>();
            for (int i = 0; i < given.Length; i++)
            {
                if (given[i] != Predictions.None)
                    votes[i / block][given[i]]++;
            }
        }

        return votes;
    }
}

/// <summary>What randomized smoothing proves about an image.</summary>
/// <param name="Class">The answer; null where it abstains.</param>
/// <param name="Radius">The L2 norm below which no perturbation changes the answer; 0 where it abstains.</param>
public sealed record Certificate(int? Class, double Radius);

/// <summary>The options of <see cref="RandomizedSmoothing"/>.</summary>
public sealed record RandomizedSmoothingSettings : IDefenseSettings
{
    /// <summary>σ: the standard deviation of the noise.</summary>
    [Option("sigma", "standard deviation of the noise")]
    public double Deviation { get; init; } = 0.25;

    /// <summary>Votes of a prediction.</summary>
    [Option("draws", "votes of a prediction", Min = 1)]
    public int Draws { get; init; } = 100;

    /// <summary>Draws over which the attacker averages a gradient.</summary>
    [Option("attack-draws", "draws the attacker averages a gradient over", Min = 1)]
    public int AttackDraws { get; init; } = 10;

    /// <summary>A classifier trained on noisy images, used instead of the evaluated one.</summary>
    [Option("weights", "a classifier trained on noisy images, used instead of the evaluated one")]
    public string? Weights { get; init; }

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        if (Deviation == 0)
            throw new UserErrorException("the defense smoothing takes a sigma above 0, got 0");
        IClassifier model = Weights is null ? context.Evaluated : context.Classifier(Weights);
        return new DefenseSpec
        {
            Name = "smoothing",
            Classifier = new RandomizedSmoothing(model, Deviation, Draws, seed: 1),
            AttackersClassifier = RandomizedSmoothing.Mean(model, Deviation, AttackDraws, seed: 2),
            WeakerCopy = DefenseSpec.Weaker((AttackDraws, Draws, "draws")),
        };
    }
}
