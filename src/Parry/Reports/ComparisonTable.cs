namespace Parry.Reports;

/// <summary>A published table with one's own numbers beside each of its numbers, ready to be shown.</summary>
public sealed record ComparisonTable
{
    /// <summary>What the table shows.</summary>
    public required string Title { get; init; }

    /// <summary>Where it was published.</summary>
    public required string Source { get; init; }

    /// <summary>What a number is.</summary>
    public required string Measure { get; init; }

    /// <summary>How many of its numbers were measured, in words.</summary>
    public required string Coverage { get; init; }

    /// <summary>The names of the columns, without that of the rows.</summary>
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>The rows.</summary>
    public required IReadOnlyList<ComparisonRow> Rows { get; init; }

    /// <summary>The figures.</summary>
    public IReadOnlyList<ComparisonFigure> Figures { get; init; } = [];

    /// <summary>What differs, and what is known to be wrong with the original.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The commands that make the numbers.</summary>
    public IReadOnlyList<string> Commands { get; init; } = [];
}

/// <summary>A figure beside a published one.</summary>
/// <param name="Caption">What it shows.</param>
/// <param name="File">Its file, an SVG, as a document beside it names it.</param>
public sealed record ComparisonFigure(string Caption, string File)
{
    /// <summary>The drawing itself, which a page holds.</summary>
    public string Drawing { get; init; } = "";
}

/// <summary>A row of a comparison.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Cells">One cell for each column; null where nothing was published.</param>
public sealed record ComparisonRow(string Name, IReadOnlyList<ComparisonCell?> Cells);

/// <summary>A published number with one's own beside it.</summary>
/// <param name="Published">The published number.</param>
/// <param name="Ours">One's own; null if there is none.</param>
/// <param name="Interval">Its interval or unit; null if there is none.</param>
/// <param name="Adaptive">What an attacker who knows all leaves; null if that does not apply.</param>
/// <param name="Verdict">How the two agree, in a few words.</param>
/// <param name="Agreement">How the two agree.</param>
public sealed record ComparisonCell(
    string Published,
    string? Ours,
    string? Interval,
    string? Adaptive,
    string Verdict,
    Agreement Agreement
);

/// <summary>How a published number and one's own agree.</summary>
public enum Agreement
{
    /// <summary>One's own was not measured.</summary>
    NotMeasured,

    /// <summary>They cannot be compared.</summary>
    NotComparable,

    /// <summary>The published number is within the interval of one's own.</summary>
    Inside,

    /// <summary>It is not.</summary>
    Outside,
}
