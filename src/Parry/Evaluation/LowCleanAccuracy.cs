using System.Globalization;

namespace Parry.Evaluation;

/// <summary>
/// Whether a classifier's accuracy on clean images is near chance, or far below what models for the same data usually
/// reach. Either nearly always means that its images are preprocessed incorrectly.
/// </summary>
public static class LowCleanAccuracy
{
    private const int FewestImages = 5;
    private const double Deviations = 2;
    private const double FarBelow = 0.15;

    /// <summary>A warning; null if there is no reason for one, or too few images to tell.</summary>
    /// <param name="right">How many clean images are classified correctly.</param>
    /// <param name="count">Of how many.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="usual">The accuracy that models for this data usually reach; null where that is unknown.</param>
    public static string? Warning(int right, int count, int classes, double? usual = null)
    {
        if (count < FewestImages)
            return null;
        double chance = 1.0 / classes;
        double guessed = count * chance;
        if (right <= guessed + (Deviations * Math.Sqrt(guessed * (1 - chance))))
            return Worded(right, count, string.Create(CultureInfo.InvariantCulture, $"guessing gives {guessed:0.#}"));
        return WilsonInterval.Of(right, count).High < usual - FarBelow
            ? Worded(right, count, $"models for this data usually reach {usual * 100:0} %")
            : null;
    }

    private static string Worded(int right, int count, string comparison) =>
        $"only {right} of {count} clean images are classified correctly, and {comparison}: check how the model takes "
        + "images (--mean, --std, --range, --layout, --channels) and the order of its classes (--labels, --background, "
        + "--labels-from)";
}
