using System.Globalization;

namespace Parry.Generative.Gans;

/// <summary>
/// The log of a training, kept as CSV: one row for every ten steps, with the means of their losses and gradient norms.
/// If a classifier judged samples, the column <c>classes</c> holds how many classes have a share of at least 1 % of
/// them.
/// </summary>
public sealed class GanLog
{
    private const int StepsPerRow = 10;
    private const string Pending = "pending";
    private const string Header =
        "iteration,discriminator_loss,generator_loss,discriminator_gradient,generator_gradient,classes";

    private readonly List<GanLogRow> _rows = [];
    private readonly List<GanStep> _steps = [];

    /// <summary>The rows so far.</summary>
    public IReadOnlyList<GanLogRow> Rows => _rows;

    /// <summary>Adds a step.</summary>
    /// <param name="iteration">Its number, from 1.</param>
    /// <param name="step">What it measured.</param>
    public void Add(int iteration, GanStep step)
    {
        _steps.Add(step);
        if (iteration % StepsPerRow > 0)
            return;
        _rows.Add(
            new GanLogRow(
                iteration,
                new GanStep(
                    _steps.Average(s => s.DiscriminatorLoss),
                    _steps.Average(s => s.GeneratorLoss),
                    _steps.Average(s => s.DiscriminatorGradient),
                    _steps.Average(s => s.GeneratorGradient)
                )
            )
        );
        _steps.Clear();
    }

    /// <summary>Writes into the last row how many classes the samples show.</summary>
    public void Judge(int classes)
    {
        if (_rows.Count > 0)
            _rows[^1] = _rows[^1] with { Classes = classes };
    }

    /// <summary>The log as CSV.</summary>
    public string Text => string.Concat(_rows.Select(Line).Prepend(Header + "\n"));

    /// <summary>The log with the steps that do not fill a row yet, for a checkpoint.</summary>
    public string State => Text + string.Concat(_steps.Select(PendingLine));

    /// <summary>Reads <see cref="State"/>.</summary>
    /// <exception cref="FormatException">The text is not one of those.</exception>
    public static GanLog Parse(string state)
    {
        var log = new GanLog();
        foreach (string line in state.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1))
        {
            string[] cells = line.Split(',');
            if (cells.Length != 6)
                throw new FormatException($"\"{PlainText.Excerpt(line)}\" is not a row of a training log.");
            double[] means = [.. cells[1..5].Select(cell => double.Parse(cell, CultureInfo.InvariantCulture))];
            var step = new GanStep(means[0], means[1], means[2], means[3]);
            if (cells[0] == Pending)
            {
                log._steps.Add(step);
                continue;
            }

            int iteration = int.Parse(cells[0], CultureInfo.InvariantCulture);
            int? classes = cells[5].Length > 0 ? int.Parse(cells[5], CultureInfo.InvariantCulture) : null;
            log._rows.Add(new GanLogRow(iteration, step) { Classes = classes });
        }

        return log;
    }

    private static string Line(GanLogRow row) => $"{row.Iteration},{Numbers(row.Mean, "G6")},{row.Classes}\n";

    // In full, so that the mean of a resumed training is that of an undisturbed one.
    private static string PendingLine(GanStep step) => $"{Pending},{Numbers(step, "R")},\n";

    private static string Numbers(GanStep step, string format)
    {
        double[] numbers =
        [
            step.DiscriminatorLoss,
            step.GeneratorLoss,
            step.DiscriminatorGradient,
            step.GeneratorGradient,
        ];
        return string.Join(',', numbers.Select(number => number.ToString(format, CultureInfo.InvariantCulture)));
    }
}
