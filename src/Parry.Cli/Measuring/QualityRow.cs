using Parry.Generative.Quality;

namespace Parry.Cli.Measuring;

/// <summary>The measures of one source of images, compared with test images.</summary>
/// <param name="Source">The generator as named, "real images" or "noise".</param>
/// <param name="Fid">Fréchet distance of the features.</param>
/// <param name="Score">The classifier score.</param>
/// <param name="Modes">How often each class is drawn.</param>
/// <param name="Neighborhoods">Precision, recall, density and coverage, k = 5.</param>
/// <param name="TrainingDistance">Median distance to the nearest training image.</param>
/// <param name="NearestTraining">The smallest such distance.</param>
/// <param name="ClosestPair">Median over batches of the closest pair's distance.</param>
/// <param name="DuplicateShare">Share of batches with a pair closer than any of the real images.</param>
/// <param name="Support">The estimated number of different images, by the birthday paradox; null if it is only known to
/// be more or fewer than the square of a batch.</param>
/// <param name="ReconstructionError">Mean squared error per pixel of reconstructed test images; null if not
/// measured.</param>
internal sealed record QualityRow(
    string Source,
    double Fid,
    ClassifierScore Score,
    ModeCoverage Modes,
    PrecisionRecall Neighborhoods,
    double TrainingDistance,
    double NearestTraining,
    double ClosestPair,
    double DuplicateShare,
    double? Support,
    double? ReconstructionError
);
