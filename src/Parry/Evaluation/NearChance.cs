using System.Globalization;
using Parry.Data;
using Parry.Models;

namespace Parry.Evaluation;

/// <summary>
/// Whether a classifier is hardly better than chance on clean images, which nearly always means that its images are
/// preprocessed incorrectly.
/// </summary>
public static class NearChance
{
    private const int MostImages = 100;
    private const double Deviations = 2;

    /// <summary>A warning; null if there is no reason for one.</summary>
    /// <param name="model">The classifier.</param>
    /// <param name="set">Its images, of which the first 100 are classified.</param>
    public static string? Warning(IPredictor model, ImageSet set)
    {
        ImageSet first = set.Take(Math.Min(MostImages, set.Count));
        return Warning((int)Math.Round(Accuracy.Of(model, first) * first.Count), first.Count, model.Classes);
    }

    /// <summary>A warning; null if there is no reason for one.</summary>
    /// <param name="right">How many clean images are classified correctly.</param>
    /// <param name="count">Of how many.</param>
    /// <param name="classes">The number of classes.</param>
    public static string? Warning(int right, int count, int classes)
    {
        double chance = 1.0 / classes;
        double guessed = count * chance;
        return right > guessed + (Deviations * Math.Sqrt(guessed * (1 - chance)))
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"only {right} of {count} clean images are classified correctly, and guessing gives {guessed:0.#}: "
                    + $"check how the model takes images (--mean, --std, --range, --layout) and the order of its "
                    + $"classes (--labels, --background)"
            );
    }
}
