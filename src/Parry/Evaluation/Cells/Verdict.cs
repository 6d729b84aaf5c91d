using Parry.Defenses;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>
/// What a classifier, bare or behind a defense, says about a set of images. It owns the purified images.
/// </summary>
internal sealed class Verdict : IDisposable
{
    private Verdict(long[] predictions, bool[] refused) => (Predictions, Refused) = (predictions, refused);

    /// <summary>The predicted classes, [N].</summary>
    public long[] Predictions { get; }

    /// <summary>Whether some detector refuses the image, [N].</summary>
    public bool[] Refused { get; }

    /// <summary>The images as the classifier behind a defense sees them; null for the bare classifier.</summary>
    public Tensor? Purified { get; private init; }

    /// <summary>
    /// The scores of each detector; of a purifier without detectors its reconstruction errors, which refuse nothing.
    /// </summary>
    public IReadOnlyList<DetectorScores> Scores { get; private init; } = [];

    /// <summary>The verdict of a classifier without a defense.</summary>
    /// <param name="model">The classifier.</param>
    /// <param name="images">The images with their samples.</param>
    public static Verdict OfBare(IPredictor model, Images images) =>
        new(Models.Predictions.Of(model, images.Pixels, images.Samples), new bool[images.Count]);

    /// <summary>Detects, purifies and classifies.</summary>
    /// <param name="defense">The defense.</param>
    /// <param name="evaluated">The classifier that is defended.</param>
    /// <param name="images">The images with their samples.</param>
    /// <param name="random">The defender's draws for these images.</param>
    /// <param name="bare">What the evaluated classifier predicts of these images, if that is known: it is not asked
    /// again where the defense changes neither the images nor the classifier.</param>
    public static Verdict Of(
        DefenseSpec defense,
        IPredictor evaluated,
        Images images,
        SampleRandom random,
        long[]? bare = null
    )
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using IDisposable? exact = Devices.FullFloat32();
        var refused = new bool[images.Count];
        var scores = new List<DetectorScores>();
        for (int i = 0; i < defense.Detectors.Count; i++)
        {
            IDetector detector = defense.Detectors[i];
            float[] values = detector.Scores(images.Pixels, random.Fork(i)).ToArray<float>();
            for (int row = 0; row < values.Length; row++)
                refused[row] |= values[row] >= detector.Threshold;
            string name = defense.Detectors.Count == 1 ? defense.Name : $"{defense.Name}, {detector.Name}";
            scores.Add(new(name, values));
        }

        Purified? purified = defense.Purifier?.Purify(images.Pixels, random);
        if (scores.Count == 0 && purified is not null)
            scores.Add(new(defense.Name, purified.Errors.ToArray<float>()));
        Tensor seen = purified?.Images ?? images.Pixels.clone();
        bool unchanged = defense.Purifier is null && defense.Classifier is null;
        long[] predictions =
            unchanged && bare is not null
                ? bare
                : Models.Predictions.Of(defense.Behind(evaluated), seen, images.Samples);
        return new Verdict(predictions, refused) { Purified = scope.MoveToOuter(seen), Scores = scores };
    }

    /// <summary>Judges a random defense by several draws.</summary>
    /// <param name="rule">What counts of the draws.</param>
    /// <param name="truth">The true classes.</param>
    /// <param name="judge">From the number of a draw to its verdict.</param>
    public static Verdict OfDraws(DrawRule rule, long[] truth, Func<int, Verdict> judge)
    {
        Verdict first = judge(0);
        var answers = new List<(long Class, bool Refused)[]> { first.Answers() };
        for (int draw = 1; draw < rule.Draws; draw++)
        {
            using Verdict next = judge(draw);
            answers.Add(next.Answers());
        }

        (long Class, bool Refused)[] chosen =
        [
            .. truth.Select((label, i) => Choose(rule.Kind, label, [.. answers.Select(draw => draw[i])])),
        ];
        return new Verdict([.. chosen.Select(answer => answer.Class)], [.. chosen.Select(answer => answer.Refused)])
        {
            Purified = first.Purified,
            Scores = first.Scores,
        };
    }

    // The worst answer is a wrong class; of equally frequent answers the first counts.
    private static (long Class, bool Refused) Choose(
        DrawRuleKind kind,
        long label,
        (long Class, bool Refused)[] answers
    )
    {
        if (kind == DrawRuleKind.Majority)
            return answers.GroupBy(answer => answer.Refused ? (-1, true) : answer).MaxBy(same => same.Count())!.First();
        int worst = Array.FindIndex(answers, answer => answer.Class != label && !answer.Refused);
        return answers[Math.Max(0, worst)];
    }

    private (long Class, bool Refused)[] Answers() => [.. Predictions.Zip(Refused)];

    /// <summary>The clean images that are classified correctly and not refused.</summary>
    public bool[] Correct(long[] truth) =>
        [.. Predictions.Select((prediction, i) => prediction == truth[i] && !Refused[i])];

    /// <summary>The attacked images on which the attack failed: they are classified correctly or refused.</summary>
    public bool[] Holds(long[] truth) =>
        [.. Predictions.Select((prediction, i) => prediction == truth[i] || Refused[i])];

    public void Dispose() => Purified?.Dispose();
}

/// <summary>A detector's scores.</summary>
/// <param name="Name">As curves name it.</param>
/// <param name="Values">One for each image.</param>
internal sealed record DetectorScores(string Name, float[] Values);
