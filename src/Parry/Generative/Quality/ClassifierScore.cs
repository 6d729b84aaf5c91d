using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Quality;

/// <summary>
/// The inception score (Salimans et al., 2016, 1606.03498) with another classifier: exp(E KL(p(y|x) ‖ p(y))). It is
/// high when every image clearly belongs to one class and all classes are equally frequent: at best the number of
/// classes, at worst 1.
/// </summary>
/// <param name="Mean">The mean over the splits.</param>
/// <param name="Deviation">The standard deviation over the splits.</param>
public sealed record ClassifierScore(double Mean, double Deviation)
{
    /// <summary>The score of class probabilities.</summary>
    /// <param name="probabilities">[N, classes], float64.</param>
    /// <param name="splits">The number of parts into which the samples are split; 10 in the paper.</param>
    /// <exception cref="ArgumentException">There are fewer samples than splits.</exception>
    public static ClassifierScore Of(Tensor probabilities, int splits = 10)
    {
        int count = (int)probabilities.size(0);
        int classes = (int)probabilities.size(1);
        if (splits < 1 || count < splits)
            throw new ArgumentException($"expected at least as many samples as splits, got {count} and {splits}");
        double[] rows = probabilities.ToArray<double>();
        double[] scores =
        [
            .. Enumerable
                .Range(0, splits)
                .Select(split =>
                    Score(
                        rows.AsSpan(
                            (int)((long)count * split / splits * classes)..(int)(
                                (long)count * (split + 1) / splits * classes
                            )
                        ),
                        classes
                    )
                ),
        ];
        double mean = scores.Average();
        return new ClassifierScore(mean, Math.Sqrt(scores.Average(score => (score - mean) * (score - mean))));
    }

    private static double Score(ReadOnlySpan<double> rows, int classes)
    {
        int count = rows.Length / classes;
        var marginal = new double[classes];
        for (int i = 0; i < rows.Length; i++)
            marginal[i % classes] += rows[i] / count;
        double divergence = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            if (rows[i] > 0)
                divergence += rows[i] * Math.Log(rows[i] / marginal[i % classes]);
        }

        return Math.Exp(divergence / count);
    }
}
