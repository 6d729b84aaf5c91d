using Parry.Data;
using Parry.Defenses;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Cli.Measuring;

/// <summary>Certifies a classifier's predictions by randomized smoothing.</summary>
internal sealed class CertifyRun
{
    private const int ImagesAtOnce = 20;

    /// <summary>The model's name.</summary>
    public required string Name { get; init; }

    /// <summary>The classifier.</summary>
    public required IClassifier Classifier { get; init; }

    /// <summary>The images with their true classes.</summary>
    public required ImageSet Images { get; init; }

    /// <summary>The standard deviation of the noise.</summary>
    public required double Sigma { get; init; }

    /// <summary>The votes that select the class.</summary>
    public required int Selection { get; init; }

    /// <summary>The votes that bound its probability.</summary>
    public required int Samples { get; init; }

    /// <summary>The probability that a certificate is wrong.</summary>
    public required double Alpha { get; init; }

    /// <summary>The seed of every random draw.</summary>
    public required long Seed { get; init; }

    /// <summary>Certifies all images.</summary>
    /// <param name="data">The data set's name.</param>
    /// <param name="radii">The radii at which to report the accuracy.</param>
    /// <param name="line">Shows the progress.</param>
    /// <param name="cancellation">Stops it.</param>
    public CertifyReport Run(string data, double[] radii, ProgressLine line, CancellationToken cancellation)
    {
        var smoothed = new RandomizedSmoothing(Classifier, Sigma, draws: 1, Seed);
        var certified = new List<CertifiedImage>();
        for (int from = 0; from < Images.Count; from += ImagesAtOnce)
        {
            ImageSet part = Images.Slice(from, Math.Min(ImagesAtOnce, Images.Count - from));
            using Tensor pixels = part.ImageTensor();
            long[] samples = [.. Enumerable.Range(from, part.Count).Select(sample => (long)sample)];
            var images = new Images(pixels, samples);
            Certificate[] certificates = smoothed.Certify(images, Selection, Samples, Alpha, cancellation);
            certified.AddRange(
                certificates.Select((one, i) => new CertifiedImage(part.Labels[i], one.Class, one.Radius))
            );
            double done = (double)certified.Count / Images.Count;
            line.Show(() => $"{certified.Count} of {Images.Count} images, {line.TimeLeft(done)}");
        }

        return new CertifyReport(
            Name,
            data,
            Images.Count,
            Sigma,
            Samples,
            Alpha,
            Seed,
            certified.Count(image => image.Class is null),
            [.. radii.Select(radius => new CertifiedAccuracy(radius, AccuracyAt(certified, radius)))],
            certified,
            Images.Note
        );
    }

    // A radius of 0 requires only a correct prediction; a certificate holds below its radius.
    private static double AccuracyAt(List<CertifiedImage> images, double radius) =>
        images.Count(image => image.Class == image.Label && (radius == 0 || image.Radius > radius))
        / (double)images.Count;
}
