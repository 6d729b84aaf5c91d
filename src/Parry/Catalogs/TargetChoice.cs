using System.Globalization;
using Parry.Attacks;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Catalogs;

/// <summary>The class that a targeted attack aims at for each image.</summary>
public sealed record TargetChoice
{
    private const string Next = "next";
    private const string Random = "random";
    private const string LeastLikely = "least-likely";
    private const int TargetStream = 7919;

    private TargetChoice(string text) => Text = text;

    /// <summary>The accepted texts.</summary>
    public static string Values { get; } = $"{Next}, {Random}, {LeastLikely} or the number of a class";

    /// <summary>
    /// <c>next</c> (the class after the true one), <c>random</c> (any other), <c>least-likely</c> (to the model), or
    /// the number of a class.
    /// </summary>
    public string Text { get; }

    /// <summary>Reads a choice.</summary>
    /// <param name="attack">The attack's name, for errors.</param>
    /// <param name="text">The text.</param>
    /// <exception cref="UserErrorException">The text is none of the choices.</exception>
    public static TargetChoice Parse(string attack, string text) =>
        text is Next or Random or LeastLikely
        || int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? new(text)
            : throw new UserErrorException(
                $"expected the target of the attack {attack} to be {Values}, got " + $"\"{text}\""
            );

    /// <summary>Checks that a model has such a class, and shows scores where they are needed.</summary>
    /// <param name="model">The model that is to be attacked.</param>
    /// <exception cref="UserErrorException">It has no such class, or shows no scores.</exception>
    public void CheckFits(IPredictor model)
    {
        if (Text == LeastLikely && model is not IScorer)
            throw new UserErrorException(
                "target=least-likely needs the model's scores, and this model shows only labels"
            );
        if (
            int.TryParse(Text, NumberStyles.None, CultureInfo.InvariantCulture, out int wanted)
            && wanted >= model.Classes
        )
            throw new UserErrorException(
                $"expected a target from 0 to {model.Classes - 1}, the model's classes, got target={Text}"
            );
    }

    /// <summary>The goal for images of these true classes.</summary>
    /// <param name="model">The model that is attacked; <c>least-likely</c> needs its scores.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="labels">The true classes, [N] int64.</param>
    /// <param name="seed">Decides random targets.</param>
    /// <param name="firstSample">The number of the first image's sample.</param>
    /// <exception cref="UserErrorException">The model has no such class, or shows no scores.</exception>
    public Goal For(IPredictor model, Tensor images, Tensor labels, long seed, long firstSample = 0)
    {
        CheckFits(model);
        int classes = model.Classes;
        long[] truth = labels.ToArray<long>();
        long[] samples = [.. truth.Select((_, i) => firstSample + i)];
        long[] targets;
        switch (Text)
        {
            case Next:
                targets = [.. truth.Select(label => (label + 1) % classes)];
                break;
            case Random:
                float[] draws = new SampleRandom(seed, samples).Fork(TargetStream).Uniform(0, 1).ToArray<float>();
                targets = [.. truth.Select((label, i) => (label + 1 + (long)(draws[i] * (classes - 1))) % classes)];
                break;
            case LeastLikely:
                using (var scope = NewDisposeScope())
                {
                    // The true class is never the target, however unlikely the model finds it.
                    Tensor scores = ((IScorer)model).Probabilities(new Images(images, samples));
                    targets = scores
                        .sub(zeros_like(scores).ScatterValue(1, labels.unsqueeze(1), double.NegativeInfinity))
                        .argmin(1)
                        .ToArray<long>();
                }

                break;
            default:
                int wanted = int.Parse(Text, CultureInfo.InvariantCulture);
                targets = [.. truth.Select(_ => (long)wanted)];
                break;
        }

        return Goal.Targeted(tensor(targets));
    }

    /// <inheritdoc/>
    public override string ToString() => Text;
}
