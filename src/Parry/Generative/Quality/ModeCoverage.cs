using Parry.Generative.Gans;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Quality;

/// <summary>
/// The classes that a generator draws, as a classifier sees them: which are missing or rare, and how many images
/// clearly belong to one.
/// </summary>
/// <param name="Shares">The share of samples predicted as each class.</param>
/// <param name="Covered">The number of classes with a share of at least 1 %
/// (<see cref="GanWarnings.ClassesCovered"/>).</param>
/// <param name="Divergence">KL of the shares to the uniform distribution, in nats: 0 if all classes are equally
/// frequent, ln(classes) if there is only one.</param>
/// <param name="Confident">The share of samples with a class probability above 0.95.</param>
public sealed record ModeCoverage(IReadOnlyList<double> Shares, int Covered, double Divergence, double Confident)
{
    private const double Clear = 0.95;

    /// <summary>The coverage of class probabilities.</summary>
    /// <param name="probabilities">[N, classes], float64.</param>
    public static ModeCoverage Of(Tensor probabilities)
    {
        using var scope = NewDisposeScope();
        int count = (int)probabilities.size(0);
        int classes = (int)probabilities.size(1);
        var counts = new int[classes];
        foreach (long predicted in probabilities.argmax(1).ToArray<long>())
            counts[predicted]++;
        double[] shares = Array.ConvertAll(counts, drawn => drawn / (double)count);
        double divergence = shares.Sum(share => share > 0 ? share * Math.Log(share * classes) : 0);
        double confident = (probabilities.amax([1]) > Clear).sum().Item() / count;
        return new ModeCoverage(shares, GanWarnings.ClassesCovered(counts), divergence, confident);
    }
}
