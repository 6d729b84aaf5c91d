using System.Text.Json;
using System.Text.Json.Serialization;
using Parry.Data.Files;
using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>
/// The report as one JSON document, for machines: names in snake_case, fractions in [0, 1], pictures as base64 PNG.
/// JSON has no infinity, so an infinite <c>median_distance</c> is null.
/// </summary>
public static class JsonReport
{
    private const long MostBytes = 1L << 30;

    /// <summary>Writes the report to <paramref name="path"/>, whole or not at all.</summary>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public static void Write(EvaluationReport report, string path) => AtomicFile.WriteText(path, Render(report));

    /// <summary>Gives the document as text.</summary>
    public static string Render(EvaluationReport report) =>
        JsonSerializer.Serialize(report, ReportJsonContext.Default.EvaluationReport) + "\n";

    /// <summary>Reads a report that <see cref="Write"/> wrote.</summary>
    /// <exception cref="UserErrorException">The file is missing, unreadable or not a report of this schema
    /// version.</exception>
    public static EvaluationReport Read(string path)
    {
        try
        {
            return Parse(RegularFile.ReadText(path, MostBytes));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"Cannot read the report '{path}': {e.Message}", e);
        }
        catch (Exception e)
            when (e is JsonException or FormatException or InvalidOperationException or ArgumentException)
        {
            throw new UserErrorException(
                $"'{path}' is not a report.json of Parry: {Reason(e)} Run the evaluation again.",
                e
            );
        }
    }

    // The serializer names types of .NET.
    private static string Reason(Exception e) =>
        e is JsonException { Path: { } place, LineNumber: { } line }
            ? $"expected something else at {PlainText.Excerpt(place)} in line {line + 1}."
            : e.Message.ReplaceLineEndings(" ");

    private static EvaluationReport Parse(string text)
    {
        using (var document = JsonDocument.Parse(text))
        {
            if (!document.RootElement.TryGetProperty("schema_version", out JsonElement version))
                throw new FormatException("it has no schema_version.");
            if (
                version.ValueKind != JsonValueKind.Number
                || !version.TryGetInt32(out int number)
                || number != EvaluationReport.CurrentSchemaVersion
            )
                throw new FormatException(
                    $"expected schema_version {EvaluationReport.CurrentSchemaVersion}, found {version}."
                );
        }

        EvaluationReport report =
            JsonSerializer.Deserialize(text, ReportJsonContext.Default.EvaluationReport)
            ?? throw new FormatException("it is empty.");
        foreach (EvaluationRow row in report.Rows)
        {
            if (
                !Within(row.CleanCorrect, row.Count)
                || !Within(row.RobustCorrect, row.Count)
                || !Within(row.Attacked, row.Count)
                || !Within(row.Succeeded, row.Attacked)
            )
                throw new FormatException($"the row for {row.Attack} on {row.Model} counts more images than it has.");
        }

        // The serializer takes any number for an enum.
        if (
            !report
                .Rows.Select(row => row.Threat)
                .Concat(report.Rocs.Select(roc => roc.Threat))
                .Concat(report.Gallery.Select(row => row.Threat))
                .All(Enum.IsDefined)
        )
            throw new FormatException("it names a threat that is not known.");
        return report;
    }

    private static bool Within(int part, int whole) => part >= 0 && part <= whole;
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true
)]
[JsonSerializable(typeof(EvaluationReport))]
internal sealed partial class ReportJsonContext : JsonSerializerContext;
