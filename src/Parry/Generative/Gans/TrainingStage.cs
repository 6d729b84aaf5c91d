using System.Globalization;

namespace Parry.Generative.Gans;

/// <summary>
/// A part of a training with its own settings: those that may change when a run continues from a checkpoint.
/// </summary>
/// <param name="Until">The iteration at which it ended.</param>
/// <param name="CriticSteps">Critic steps before each generator step.</param>
/// <param name="LearningRate">Adam's step size.</param>
public sealed record TrainingStage(int Until, int CriticSteps, double LearningRate)
{
    /// <summary>Writes stages as text that <see cref="Parse"/> reads.</summary>
    public static string Text(IEnumerable<TrainingStage> stages) =>
        string.Join(
            ' ',
            stages.Select(stage =>
                string.Create(CultureInfo.InvariantCulture, $"{stage.Until}:{stage.CriticSteps}:{stage.LearningRate}")
            )
        );

    /// <summary>Reads stages.</summary>
    /// <exception cref="FormatException">The text is not one of <see cref="Text"/>.</exception>
    public static IReadOnlyList<TrainingStage> Parse(string text) =>
        [
            .. text.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(part =>
                    part.Split(':') is [var until, var steps, var rate]
                        ? new TrainingStage(
                            int.Parse(until, CultureInfo.InvariantCulture),
                            int.Parse(steps, CultureInfo.InvariantCulture),
                            double.Parse(rate, CultureInfo.InvariantCulture)
                        )
                        : throw new FormatException($"\"{part}\" is not a stage of a training.")
                ),
        ];
}
