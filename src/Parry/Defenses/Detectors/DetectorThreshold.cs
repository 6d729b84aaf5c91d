namespace Parry.Defenses.Detectors;

/// <summary>Chooses the threshold of a detector.</summary>
public static class DetectorThreshold
{
    /// <summary>
    /// The threshold that refuses a given share of clean images: the floor(N · rate)-th largest of their scores (Meng
    /// and Chen, 2017, 1705.09064).
    /// </summary>
    /// <remarks>
    /// A rate of less than one image is an error here; the authors' code then takes the smallest score, and so refuses
    /// every image.
    /// </remarks>
    /// <param name="scores">The scores of clean images that the detector was not trained on.</param>
    /// <param name="rate">The share of them to refuse, above 0 and at most 1.</param>
    /// <exception cref="UserErrorException">The rate is out of range or less than one image, or a score is not
    /// finite.</exception>
    public static double At(IReadOnlyList<float> scores, double rate)
    {
        if (!(rate > 0 && rate <= 1))
            throw new UserErrorException($"expected a false-positive rate above 0 and at most 1, got {rate}");
        if (scores.Any(score => !float.IsFinite(score)))
            throw new UserErrorException("a detector's score of a clean image is not a finite number: train it again");
        int refused = (int)((scores.Count * rate) + 1e-9);
        return refused >= 1
            ? scores.OrderDescending().ElementAt(refused - 1)
            : throw new UserErrorException(
                $"a false-positive rate of {rate} is less than one of {scores.Count} validation images: give at "
                    + $"least {1.0 / scores.Count}, or more images"
            );
    }
}
