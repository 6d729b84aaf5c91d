using System.Globalization;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Models.Files;

namespace Parry.Defenses.Detectors;

/// <summary>
/// The detectors of MagNet (Meng and Chen, 2017, 1705.09064): the reconstruction errors of its auto-encoders, and the
/// divergence of a classifier's answers at the temperatures 10 and 40.
/// </summary>
public static class MagNetDetectors
{
    /// <summary>The detectors of one member, with the thresholds that its weight file has.</summary>
    /// <param name="network">The auto-encoders.</param>
    /// <param name="member">The number of the member.</param>
    /// <param name="description">What the weight file says.</param>
    /// <param name="classifier">The classifier whose answers are compared, where the file has thresholds for that; null
    /// leaves these detectors out.</param>
    /// <exception cref="UserErrorException">The file lacks a threshold.</exception>
    public static IReadOnlyList<IDetector> Load(
        MagNetNetwork network,
        int member,
        ModelDescription description,
        IClassifier? classifier
    )
    {
        bool divergence = description.Setting("jsd10") is not null;
        return
        [
            .. Of(network, member, divergence ? classifier : null)
                .Select(detector => detector.With(Threshold(description, detector.Key, member))),
        ];
    }

    /// <summary>The detectors of one member: the name of each in weight files, and how to make it.</summary>
    internal static IEnumerable<(string Key, Func<double, IDetector> With)> Of(
        MagNetNetwork network,
        int member,
        IClassifier? classifier
    )
    {
        if (network.Pooled.Count > 0)
            yield return (
                "l2",
                threshold => new ReconstructionError(network.Pooled[member], network.Shape, 2, threshold)
            );
        yield return ("l1", threshold => new ReconstructionError(network.Plain[member], network.Shape, 1, threshold));
        if (classifier is null)
            yield break;
        foreach (int temperature in (int[])[10, 40])
        {
            MagNetAutoEncoder reformer = network.Reformers[member];
            yield return (
                $"jsd{temperature}",
                threshold => new AnswerDivergence(reformer, classifier, temperature, threshold)
            );
        }
    }

    private static double Threshold(ModelDescription description, string key, int member)
    {
        string[] texts = (description.Setting(key) ?? "").Split('/');
        return
            member < texts.Length
            && double.TryParse(texts[member], NumberStyles.Float, CultureInfo.InvariantCulture, out double threshold)
            ? threshold
            : throw new UserErrorException(
                $"the weights of magnet have no threshold {key} for member {member}: train them again "
                    + "with parry train magnet"
            );
    }
}
