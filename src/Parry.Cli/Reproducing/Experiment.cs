using System.Globalization;
using Parry.Cli.Reproducing.Figures;

namespace Parry.Cli.Reproducing;

/// <summary>
/// A table or figure of a source document, as its file in <c>Experiments/</c> describes it: the numbers that it prints,
/// and for each where Parry's own number and the adaptive attacker's come from. Texts may hold variables such as
/// <c>{net}</c>, which a row or a column gives, or the settings of the mode.
/// </summary>
internal sealed record Experiment
{
    /// <summary>What the table shows.</summary>
    public required string Title { get; init; }

    /// <summary>The document or paper that prints it.</summary>
    public required string Source { get; init; }

    /// <summary>What a number is, in words.</summary>
    public required string Measure { get; init; }

    /// <summary>How the document prints a number: <c>fraction</c>, <c>percent</c> or <c>number</c>.</summary>
    public PrintedAs Printed { get; init; }

    /// <summary>
    /// Whether the source documents print the table; otherwise it is in a paper that they name, and does not count.
    /// </summary>
    public bool InDocuments { get; init; } = true;

    /// <summary>The data that it needs.</summary>
    public IReadOnlyList<string> Needs { get; init; } = [];

    /// <summary>About how long the fast mode takes on two cores of a server, in minutes: an estimate.</summary>
    public required double Minutes { get; init; }

    /// <summary>What differs from the original, and what is known to be wrong with it.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The columns; none of a figure that has no table.</summary>
    public IReadOnlyList<ExperimentColumn> Columns { get; init; } = [];

    /// <summary>The rows.</summary>
    public IReadOnlyList<ExperimentRow> Rows { get; init; } = [];

    /// <summary>The figures.</summary>
    public IReadOnlyList<ExperimentFigure> Figures { get; init; } = [];
}

/// <summary>How a document prints its numbers.</summary>
internal enum PrintedAs
{
    /// <summary>Shares as 0.997.</summary>
    Fraction,

    /// <summary>Shares as 99.7.</summary>
    Percent,

    /// <summary>Numbers with a unit of their own, or none.</summary>
    Number,
}

/// <summary>A row of a table.</summary>
internal sealed record ExperimentRow
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its variables.</summary>
    public IReadOnlyDictionary<string, string> With { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// The printed numbers, one for each column that is not extra, with spaces between; <c>-</c> where none is printed.
    /// Empty for a row that is not in the document.
    /// </summary>
    public string Published { get; init; } = "";

    /// <summary>Whether what it needs is made on a GPU only: a processor would take days.</summary>
    public bool Gpu { get; init; }

    /// <summary>Why the row has no number of Parry's; null if it has.</summary>
    public string? Missing { get; init; }
}

/// <summary>A column of a table.</summary>
internal sealed record ExperimentColumn
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its variables.</summary>
    public IReadOnlyDictionary<string, string> With { get; init; } = new Dictionary<string, string>();

    /// <summary>Where Parry's number comes from; null if there is none.</summary>
    public NumberSource? Ours { get; init; }

    /// <summary>Where the number of an attacker who knows all comes from; null if none applies.</summary>
    public NumberSource? Adaptive { get; init; }

    /// <summary>Whether the column is not in the document, and shows what its own columns leave out.</summary>
    public bool Extra { get; init; }

    /// <summary>Whether what it needs is made on a GPU only.</summary>
    public bool Gpu { get; init; }

    /// <summary>Why Parry's number cannot be compared with the printed one; null if it can.</summary>
    public string? NotComparable { get; init; }
}

/// <summary>Where a number comes from.</summary>
internal sealed record NumberSource
{
    /// <summary>What a command makes: the folder of an evaluation, or a JSON file.</summary>
    public required string From { get; init; }

    /// <summary>
    /// Of an evaluation: <c>clean</c>, <c>accuracy</c>, <c>success</c>, <c>distance</c>, <c>seconds</c> (for 1,000
    /// images) or <c>auc</c> (the area under the ROC curve of the defense as a detector). Of a JSON file: the way to
    /// the number, such as <c>/generator/parameters</c>.
    /// </summary>
    public string Value { get; init; } = "accuracy";

    /// <summary>The attack, with options that tell it from others of its kind; null for the strongest.</summary>
    public string? Attack { get; init; }

    /// <summary>The budget; null for any.</summary>
    public double? Epsilon { get; init; }

    /// <summary>The defense as the command names it.</summary>
    public string Defense { get; init; } = "none";

    /// <summary>Whether the attacker knows the defense; null for whichever is stronger.</summary>
    public bool? Aware { get; init; }

    /// <summary>
    /// Whether a variable has no value: a row or a column that does not give one has no such number.
    /// </summary>
    public bool IsOpen => $"{From}{Value}{Attack}".Contains('{');

    /// <summary>The source with its variables replaced; the variable <c>eps</c> is its budget.</summary>
    public NumberSource Filled(params IReadOnlyDictionary<string, string>[] variables)
    {
        string? budget = variables
            .Select(some => some.GetValueOrDefault("eps"))
            .FirstOrDefault(value => value is not null);
        return this with
        {
            From = Fill(From),
            Value = Fill(Value),
            Attack = Attack is { } attack ? Fill(attack) : null,
            Epsilon = Epsilon ?? (budget is null ? null : double.Parse(budget, CultureInfo.InvariantCulture)),
            Defense = Fill(Defense),
        };

        string Fill(string text) => CommandBook.Fill(text, variables);
    }
}
