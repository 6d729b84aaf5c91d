using Parry.Generative.Gans;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Generative.Quality;

/// <summary>
/// Which classes a generator draws, as a classifier sees them: modes that are missing or rare, and images that are of
/// no clear class.
/// </summary>
/// <param name="Shares">The share of samples that is predicted to be of each class.</param>
/// <param name="Covered">How many classes have a share of at least one in a hundred
/// (<see cref="GanWarnings.ClassesCovered"/>).</param>
/// <param name="Divergence">KL of the shares to the uniform distribution, in nats: 0 when all classes come equally
/// often, ln(classes) when only one comes.</param>
/// <param name="Confident">The share of samples with a class of a probability above 0.95.</param>
public sealed record ModeCoverage(IReadOnlyList<double> Shares, int Covered, double Divergence, double Confident)
{
    private const double Clear = 0.95;

    /// <summary>The coverage of class probabilities.</summary>
    /// <param name="probabilities">[N, classes], float64.</param>
    public static ModeCoverage Of(Tensor probabilities)
    {
        using var scope = NewDisposeScope();
        int count = (int)probabilities.size(0),
            classes = (int)probabilities.size(1);
        var counts = new int[classes];
        foreach (long predicted in probabilities.argmax(1).ToArray<long>())
            counts[predicted]++;
        double[] shares = Array.ConvertAll(counts, drawn => drawn / (double)count);
        double divergence = shares.Sum(share => share > 0 ? share * Math.Log(share * classes) : 0);
        double confident = probabilities.amax([1]).gt(Clear).sum().ToDouble() / count;
        return new ModeCoverage(shares, GanWarnings.ClassesCovered(counts), divergence, confident);
    }
}
