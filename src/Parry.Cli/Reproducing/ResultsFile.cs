using System.Text.Json;
using Parry.Data.Files;
using Parry.Evaluation;

namespace Parry.Cli.Reproducing;

/// <summary>What was measured of the tables, in one JSON file from which pages are made.</summary>
internal sealed record ResultsFile
{
    private const long MostBytes = 64L << 20;

    /// <summary>The tables by name.</summary>
    public SortedDictionary<string, TableResults> Tables { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Reads a file of results; a new one where there is none.</summary>
    /// <exception cref="UserErrorException">It is damaged.</exception>
    public static ResultsFile Read(string path)
    {
        if (!File.Exists(path))
            return new ResultsFile();
        try
        {
            return Parse(RegularFile.ReadText(path, MostBytes));
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path}: expected results of parry reproduce, got: {e.Message}", e);
        }
    }

    /// <summary>Reads results from their text.</summary>
    /// <exception cref="JsonException">It is damaged.</exception>
    public static ResultsFile Parse(string text) => ExperimentJson.Read<ResultsFile>(text);

    /// <summary>Writes the file, whole or not at all.</summary>
    public void Write(string path) => AtomicFile.WriteText(path, ExperimentJson.Write(this));
}

/// <summary>What was measured of one table.</summary>
internal sealed record TableResults
{
    /// <summary>Whose settings the commands had, such as "the fast mode".</summary>
    public required string Settings { get; init; }

    /// <summary>The version of Parry.</summary>
    public required string Version { get; init; }

    /// <summary>The numbers, row by row; of a number that was not measured only what is printed.</summary>
    public required IReadOnlyList<ReproducedNumber> Numbers { get; init; }

    /// <summary>The files of the figures that were drawn.</summary>
    public IReadOnlyList<string> Figures { get; init; } = [];

    /// <summary>How many numbers have one of Parry's beside them.</summary>
    public int Measured => Numbers.Count(number => number.Ours is not null && number.Published.Length > 0);
}

/// <summary>A printed number with Parry's beside it.</summary>
internal sealed record ReproducedNumber
{
    /// <summary>Its row.</summary>
    public required string Row { get; init; }

    /// <summary>Its column.</summary>
    public required string Column { get; init; }

    /// <summary>The number as printed.</summary>
    public required string Published { get; init; }

    /// <summary>Parry's number; null if there is none.</summary>
    public MeasuredNumber? Ours { get; init; }

    /// <summary>The number of an attacker who knows all; null if none applies.</summary>
    public MeasuredNumber? Adaptive { get; init; }

    /// <summary>Why the two cannot be compared; null if they can.</summary>
    public string? NotComparable { get; init; }
}

/// <summary>A number that Parry measured: a share of images, or another quantity.</summary>
internal sealed record MeasuredNumber
{
    /// <summary>How many images count; null for another quantity.</summary>
    public int? Hits { get; init; }

    /// <summary>Of how many; null for another quantity.</summary>
    public int? Count { get; init; }

    /// <summary>The quantity; null for a share.</summary>
    public double? Quantity { get; init; }

    /// <summary>The attack that it was measured with; null for none.</summary>
    public string? Attack { get; init; }

    /// <summary>The number: a share in [0, 1], or the quantity.</summary>
    public double Number() => Quantity ?? (double)Hits!.Value / Count!.Value;

    /// <summary>The 95 % Wilson interval of a share; null for another quantity.</summary>
    public (double Low, double High)? Interval() =>
        Hits is { } hits && Count is { } count ? WilsonInterval.Of(hits, count) : null;
}
