using System.Globalization;
using Parry.Data;
using Parry.Models;

namespace Parry.Evaluation;

/// <summary>
/// Whether a classifier is hardly better than a guess on clean images, which nearly always means that it is fed
/// wrongly.
/// </summary>
public static class NearChance
{
    private const int Looked = 100;
    private const double Deviations = 2;

    /// <summary>A warning; null if there is no reason for one.</summary>
    /// <param name="model">The classifier.</param>
    /// <param name="set">Its images, of which the first hundred are looked at.</param>
    public static string? Warning(IPredictor model, ImageSet set)
    {
        ImageSet first = set.Take(Math.Min(Looked, set.Count));
        return Warning((int)Math.Round(Accuracy.Of(model, first) * first.Count), first.Count, model.Classes);
    }

    /// <summary>A warning; null if there is no reason for one.</summary>
    /// <param name="right">How many clean images are classified right.</param>
    /// <param name="count">Of how many.</param>
    /// <param name="classes">The number of classes.</param>
    public static string? Warning(int right, int count, int classes)
    {
        double chance = 1.0 / classes,
            guessed = count * chance;
        return right > guessed + (Deviations * Math.Sqrt(guessed * (1 - chance)))
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"only {right} of {count} clean images are classified right, where guessing gives {guessed:0.#}: "
                    + $"check how the model takes images (--mean, --std, --range, --layout) and the order of its "
                    + $"classes (--labels, --background)"
            );
    }
}
