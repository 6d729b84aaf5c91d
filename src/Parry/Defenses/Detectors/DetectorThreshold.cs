namespace Parry.Defenses.Detectors;

/// <summary>Where a detector begins to refuse.</summary>
public static class DetectorThreshold
{
    /// <summary>
    /// The threshold that refuses a wanted share of clean images: the floor(N · rate)-th largest of their scores (Meng
    /// and Chen, 2017, 1705.09064).
    /// </summary>
    /// <remarks>
    /// Their code takes the smallest score, and so refuses everything, where the rate is less than one image; that is
    /// an error here.
    /// </remarks>
    /// <param name="scores">Of clean images that the detector has not learned from.</param>
    /// <param name="rate">The share of them to refuse, above 0 and at most 1.</param>
    /// <exception cref="UserErrorException">The rate is out of range or less than one image, or a score is no
    /// number.</exception>
    public static double At(IReadOnlyList<float> scores, double rate)
    {
        if (!(rate > 0 && rate <= 1))
            throw new UserErrorException($"expected a false-positive rate above 0 and of at most 1, got {rate}");
        if (scores.Any(score => !float.IsFinite(score)))
            throw new UserErrorException("a detector's score of a clean image is no finite number: train it again");
        int refused = (int)((scores.Count * rate) + 1e-9);
        return refused >= 1
            ? scores.OrderDescending().ElementAt(refused - 1)
            : throw new UserErrorException(
                $"a false-positive rate of {rate} is less than one of {scores.Count} validation images: give at "
                    + $"least {1.0 / scores.Count}, or more images"
            );
    }
}
