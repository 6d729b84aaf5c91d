using System.Globalization;

namespace Parry.Generative.Gans;

/// <summary>
/// What a training measured on the way: one row for every ten steps, the means of their losses and gradients, kept as
/// CSV. The column <c>classes</c> holds, where a classifier judged samples, how many classes it found in at least one
/// of a hundred.
/// </summary>
public sealed class GanLog
{
    private const int StepsPerRow = 10;
    private const string Header =
        "iteration,discriminator_loss,generator_loss,discriminator_gradient,generator_gradient,classes";

    private readonly List<GanLogRow> _rows = [];
    private readonly List<GanStep> _steps = [];

    /// <summary>The rows so far.</summary>
    public IReadOnlyList<GanLogRow> Rows => _rows;

    /// <summary>Takes in a step.</summary>
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

    /// <summary>Notes in the last row how many classes the samples show.</summary>
    public void Judge(int classes)
    {
        if (_rows.Count > 0)
            _rows[^1] = _rows[^1] with { Classes = classes };
    }

    /// <summary>The log as CSV.</summary>
    public string Text =>
        string.Concat(
            _rows
                .Select(row =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{row.Iteration},{row.Mean.DiscriminatorLoss:G6},{row.Mean.GeneratorLoss:G6},{row.Mean.DiscriminatorGradient:G6},{row.Mean.GeneratorGradient:G6},{row.Classes}\n"
                    )
                )
                .Prepend(Header + "\n")
        );

    /// <summary>The log of a run up to an iteration, from which another goes on.</summary>
    /// <exception cref="FormatException">The text is not one of <see cref="Text"/>.</exception>
    public static GanLog Parse(string text, int until)
    {
        var log = new GanLog();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1))
        {
            string[] cells = line.Split(',');
            if (cells.Length != 6)
                throw new FormatException($"\"{line}\" is no row of a training log.");
            double[] means = [.. cells[1..5].Select(cell => double.Parse(cell, CultureInfo.InvariantCulture))];
            var row = new GanLogRow(
                int.Parse(cells[0], CultureInfo.InvariantCulture),
                new GanStep(means[0], means[1], means[2], means[3])
            )
            {
                Classes = cells[5].Length > 0 ? int.Parse(cells[5], CultureInfo.InvariantCulture) : null,
            };
            if (row.Iteration <= until)
                log._rows.Add(row);
        }

        return log;
    }
}
