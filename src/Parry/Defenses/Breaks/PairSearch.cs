using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Defenses.Purifiers;
using Parry.Generative;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Breaks;

/// <summary>
/// The search of the overpowered attack (Ilyas, Jalal, Asteri, Daskalakis, Dimakis, 2017, 1712.09196) for two images
/// that a generator draws, near to each other, of which a classifier thinks differently: min over z₁, z₂ and max over λ
/// of -CE(C(G(z₁)), C(G(z₂))) + λ (|G(z₁) - G(z₂)| - ε) + s (|z₁| + |z₂|). Every such pair holds an adversarial example
/// that a projection onto the generator leaves as it is. It needs no image to begin with: pairs start uniform in [0,
/// 1]^d, as in the authors' code.
/// </summary>
/// <remarks>
/// Pairs run as one batch, each with a λ of its own, and one is done when its labels differ and it is near enough.
/// Deviations: Adam takes the steps in z and plain ascent those in λ, with larger step sizes, where the authors' code
/// has YellowFin for both; λ stays at 0 or above.
/// </remarks>
/// <param name="Generator">What draws images.</param>
public sealed record PairSearch(ILatentModel Generator)
{
    private const double Smallest = 1e-12;

    /// <summary>ε: the largest L2 distance of a pair, of images in [0, 1].</summary>
    public double Distance { get; init; } = 1.5;

    /// <summary>The most steps.</summary>
    public int Steps { get; init; } = 500;

    /// <summary>Adam's step size in the latent vectors.</summary>
    public double LearningRate { get; init; } = 0.05;

    /// <summary>Step size of each λ, which starts at 1.</summary>
    public double DualRate { get; init; } = 0.1;

    /// <summary>s: the weight of the latent vectors' lengths.</summary>
    public double Shrinkage { get; init; } = 1e-4;

    /// <summary>Searches for pairs.</summary>
    /// <param name="classifier">Of the generator's images, in evaluation mode.</param>
    /// <param name="random">Random draws; each of its rows is a pair.</param>
    public ManifoldPairs Find(IClassifier classifier, SampleRandom random)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        int count = random.Samples.Length;
        ImageShape shape = Generator.Shape;
        Tensor images = zeros([2 * count, shape.Channels, shape.Height, shape.Width]);
        var found = new bool[count];
        double[] multipliers = [.. Enumerable.Repeat(1.0, count)];
        long[] active = Rows.All(count);
        var descent = new LatentDescent(
            Generator,
            random.Uniform(0, 2, Generator.Latent).reshape(2 * count, Generator.Latent),
            LearningRate
        );
        for (int step = 0; step < Steps && active.Length > 0; step++)
        {
            descent.Step(
                Climb,
                latents => latents.div(linalg.vector_norm(latents, 2, [1], true).clamp_min(Smallest)).mul(Shrinkage)
            );
            long[] left = Rows.Where(found.At(active), false);
            if (left.Length == active.Length)
                continue;
            descent.Keep(Both(left));
            active = active.At(left);
        }

        Tensor pairs = images.reshape(count, 2, shape.Channels, shape.Height, shape.Width);
        return new ManifoldPairs(
            scope.MoveToOuter(pairs.select(1, 0).clone()),
            scope.MoveToOuter(pairs.select(1, 1).clone()),
            found,
            multipliers
        );

        Tensor Climb(Tensor drawn)
        {
            LossGradient pass = classifier.Gradient(
                Images.Of(drawn),
                logits =>
                    CrossEntropy(logits.slice(0, 0, drawn.size(0), 2), logits.slice(0, 1, drawn.size(0), 2))
                        .repeat_interleave(2, 0)
                        .mul(0.5)
            );
            Tensor change = drawn.slice(0, 0, drawn.size(0), 2).sub(drawn.slice(0, 1, drawn.size(0), 2));
            Tensor pull = Direction.Unit(change).mul(Rows.Column(multipliers.At(active)));
            float[] distances = Norm.L2.Of(change).ToArray<float>();
            long[] labels = pass.Logits.argmax(1).ToArray<long>();
            images.Put(Both(active), drawn);
            for (int i = 0; i < active.Length; i++)
            {
                found[active[i]] = labels[2 * i] != labels[(2 * i) + 1] && distances[i] <= Distance;
                multipliers[active[i]] = Math.Max(0, multipliers[active[i]] + (DualRate * (distances[i] - Distance)));
            }

            return stack([pull, pull.neg()], 1).flatten(0, 1).sub(pass.Gradient);
        }
    }

    /// <summary>
    /// -Σ softmax(a) log softmax(b) of rows of logits [N, classes], [N]: a cross entropy that is differentiated in
    /// both.
    /// </summary>
    public static Tensor CrossEntropy(Tensor first, Tensor second) =>
        first.softmax(-1).mul(second.log_softmax(-1)).sum(1).neg();

    private static long[] Both(long[] pairs) => [.. pairs.SelectMany(pair => (long[])[2 * pair, (2 * pair) + 1])];
}

/// <summary>Pairs of images that a generator draws.</summary>
/// <param name="First">One of each pair, [N, C, H, W] in [0, 1]; the caller's to free.</param>
/// <param name="Second">The other one.</param>
/// <param name="Found">Of which pairs the labels differ and the distance is small enough; the others are where the
/// search ended.</param>
/// <param name="Multipliers">λ of each pair at the end.</param>
public sealed record ManifoldPairs(Tensor First, Tensor Second, bool[] Found, double[] Multipliers);
