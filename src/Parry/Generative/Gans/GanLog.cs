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

    /// <summary>Reads the log of a run up to an iteration, from which another continues.</summary>
    /// <exception cref="FormatException">The text is not one of <see cref="Text"/>.</exception>
    public static GanLog Parse(string text, int until)
    {
        var log = new GanLog();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1))
        {
            string[] cells = line.Split(',');
            if (cells.Length != 6)
                throw new FormatException($"\"{line}\" is not a row of a training log.");
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

    private static string Line(GanLogRow row)
    {
        GanStep mean = row.Mean;
        double[] means =
        [
            mean.DiscriminatorLoss,
            mean.GeneratorLoss,
            mean.DiscriminatorGradient,
            mean.GeneratorGradient,
        ];
        string numbers = string.Join(',', means.Select(value => value.ToString("G6", CultureInfo.InvariantCulture)));
        return $"{row.Iteration},{numbers},{row.Classes}\n";
    }
}
