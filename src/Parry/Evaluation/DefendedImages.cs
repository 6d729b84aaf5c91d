using Parry.Defenses;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation;

/// <summary>
/// What the defender makes of a set of images: the purified ones, the detectors' scores, the predictions. It owns the
/// images.
/// </summary>
internal sealed class DefendedImages : IDisposable
{
    private DefendedImages(Tensor images, IReadOnlyList<DetectorScores> scores, bool[] refused, long[] predictions)
    {
        Images = images;
        Scores = scores;
        Refused = refused;
        Predictions = predictions;
    }

    public Tensor Images { get; }

    /// <summary>
    /// What each detector says; without one, the purifier's reconstruction errors, which refuse nothing.
    /// </summary>
    public IReadOnlyList<DetectorScores> Scores { get; }

    /// <summary>Whether some detector refuses the image.</summary>
    public bool[] Refused { get; }

    public long[] Predictions { get; }

    /// <summary>Detects, purifies, with the defender's own draws, and classifies.</summary>
    public static DefendedImages Of(DefenseSpec defense, IPredictor evaluated, Tensor images, SampleRandom random)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using IDisposable? exact = Devices.FullFloat32();
        var refused = new bool[images.size(0)];
        var scores = new List<DetectorScores>();
        for (int i = 0; i < defense.Detectors.Count; i++)
        {
            IDetector detector = defense.Detectors[i];
            float[] values = detector.Scores(images, random.Fork(i)).ToArray<float>();
            for (int row = 0; row < values.Length; row++)
                refused[row] |= values[row] >= detector.Threshold;
            scores.Add(new(defense.Detectors.Count == 1 ? defense.Name : $"{defense.Name}, {detector.Name}", values));
        }

        Purified? purified = defense.Purifier?.Purify(images, random);
        if (scores.Count == 0 && purified is not null)
            scores.Add(new(defense.Name, purified.Errors.ToArray<float>()));
        Tensor shown = purified?.Images ?? images.clone();
        return new DefendedImages(
            shown.DetachFromDisposeScope(),
            scores,
            refused,
            Models.Predictions.Of(defense.Behind(evaluated), shown, random.Samples)
        );
    }

    /// <summary>Whether the defended classifier still gives the right answer, or refuses.</summary>
    public bool[] Holds(long[] truth) =>
        [.. Predictions.Select((prediction, i) => Refused[i] || prediction == truth[i])];

    public void Dispose() => Images.Dispose();
}

/// <summary>A detector's scores.</summary>
/// <param name="Name">As curves name it.</param>
/// <param name="Values">One for each image.</param>
internal sealed record DetectorScores(string Name, float[] Values);
