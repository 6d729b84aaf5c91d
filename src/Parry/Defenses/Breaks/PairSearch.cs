using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Defenses.Purifiers;
using Parry.Generative;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Breaks;

/// <summary>
/// The pair search of robust manifold training, where the paper calls it the overpowered attack (Ilyas, Jalal, Asteri,
/// Daskalakis, Dimakis, 2017, 1712.09196): looks for two images that a generator G draws close to each other and that a
/// classifier C classifies differently, by min over z₁, z₂ and max over λ of -D(C(G(z₁)), C(G(z₂))) +
/// λ (|G(z₁) - G(z₂)| - ε) + s (|z₁| + |z₂|), where D is a <see cref="PairDifference"/>. In every such pair is an
/// adversarial example that a projection onto the generator leaves as it is. The search needs no image: as in the
/// authors' code, pairs start uniform in [0, 1]^d.
/// </summary>
/// <remarks>
/// Pairs run as one batch, each with its own λ. A pair is done when its labels differ and it is close enough.
/// Deviations: Adam takes the steps in z and gradient ascent those in λ, with larger step sizes, where the authors'
/// code takes YellowFin for both; λ stays at 0 or above.
/// </remarks>
/// <param name="Generator">G, which draws images.</param>
public sealed record PairSearch(ILatentModel Generator)
{
    /// <summary>The paper's largest L2 distance of a pair.</summary>
    public const double DefaultDistance = 1.5;

    /// <summary>The usual number of steps.</summary>
    public const int DefaultSteps = 500;

    private const double Smallest = 1e-12;

    /// <summary>D: what the search makes large.</summary>
    public PairDifference Difference { get; init; }

    /// <summary>ε: the largest L2 distance of a pair, of images in [0, 1].</summary>
    public double Distance { get; init; } = DefaultDistance;

    /// <summary>The largest number of steps.</summary>
    public int Steps { get; init; } = DefaultSteps;

    /// <summary>Adam's step size in the latent vectors.</summary>
    public double LearningRate { get; init; } = 0.05;

    /// <summary>The step size of λ, which starts at 1.</summary>
    public double DualRate { get; init; } = 0.1;

    /// <summary>s: the weight of the latent vectors' lengths.</summary>
    public double Shrinkage { get; init; } = 1e-4;

    /// <summary>Searches for pairs.</summary>
    /// <param name="classifier">C, in evaluation mode, for the generator's images.</param>
    /// <param name="random">Random draws; each of its rows is a pair.</param>
    public ManifoldPairs Find(IClassifier classifier, SampleRandom random)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        int count = random.Samples.Length;
        ImageShape shape = Generator.Shape;
        Tensor images = zeros([2 * count, shape.Channels, shape.Height, shape.Width]);
        Tensor multipliers = ones([count]);
        var found = new bool[count];
        long[] active = Rows.All(count);
        // The two of a pair are next to each other.
        var descent = new LatentDescent(Generator, random.Uniform(0, 2, Generator.Latent).flatten(0, 1), LearningRate);
        for (int step = 0; step < Steps && active.Length > 0; step++)
        {
            descent.Step(ImageGradient, z => Shrinkage * z / linalg.vector_norm(z, 2, [1], true).clamp_min(Smallest));
            long[] open = Rows.Where(found.At(active), false);
            if (open.Length == active.Length)
                continue;
            descent.Keep(Both(open));
            active = active.At(open);
        }

        var (first, second) = Split(images);
        return new ManifoldPairs(
            scope.MoveToOuter(first.clone()),
            scope.MoveToOuter(second.clone()),
            found,
            [.. multipliers.ToArray<float>().Select(lambda => (double)lambda)]
        );

        // Of -D(C(x₁), C(x₂)) + λ (|x₁ - x₂| - ε) with respect to x₁ and x₂. It also updates λ.
        Tensor ImageGradient(Tensor drawn)
        {
            LossGradient pass = classifier.Gradient(Images.Of(drawn), HalfDifference);
            var (x1, x2) = Split(drawn);
            Tensor change = x1 - x2;
            Tensor excess = Norm.L2.Of(change) - Distance;
            Tensor lambda = multipliers.At(active);
            Tensor pull = lambda.reshape(-1, 1, 1, 1) * Direction.Unit(change);

            images.Put(Both(active), drawn);
            multipliers.Put(active, (lambda + (DualRate * excess)).clamp_min(0));
            var (label1, label2) = Split(pass.Logits.argmax(1));
            bool[] done = ((label1 != label2) & (excess <= 0)).ToArray<bool>();
            for (int i = 0; i < active.Length; i++)
                found[active[i]] = done[i];
            return stack([pull, -pull], 1).flatten(0, 1) - pass.Gradient;
        }
    }

    // A classifier's gradient wants one loss for each row: the two of a pair share theirs.
    private Tensor HalfDifference(Tensor logits)
    {
        var (first, second) = Split(logits);
        return 0.5 * Difference.Of(first, second).repeat_interleave(2, 0);
    }

    private static (Tensor First, Tensor Second) Split(Tensor pairs)
    {
        long rows = pairs.size(0);
        return (pairs.slice(0, 0, rows, 2), pairs.slice(0, 1, rows, 2));
    }

    private static long[] Both(long[] pairs) => [.. pairs.SelectMany(pair => (long[])[2 * pair, (2 * pair) + 1])];
}

/// <summary>Pairs of images that a generator draws.</summary>
/// <param name="First">The first of each pair, [N, C, H, W] in [0, 1]; the caller frees it.</param>
/// <param name="Second">The second of each pair.</param>
/// <param name="Found">Whether the labels of each pair differ and it is close enough. Other pairs are where the search
/// ended.</param>
/// <param name="Multipliers">λ of each pair at the end.</param>
public sealed record ManifoldPairs(Tensor First, Tensor Second, bool[] Found, double[] Multipliers);
