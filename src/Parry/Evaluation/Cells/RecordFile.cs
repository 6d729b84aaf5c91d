using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Parry.Attacks;
using Parry.Data.Files;

namespace Parry.Evaluation.Cells;

/// <summary>
/// A file of records, as JSON lines: a head, one line for each record, and the SHA-256 of these lines. So a file that
/// was cut or edited is never mistaken for a result.
/// </summary>
internal static class RecordFile
{
    private const long MostBytes = 1L << 30;

    /// <summary>Writes a file, whole or not at all.</summary>
    public static void Write<THead, TRecord>(
        string path,
        THead head,
        JsonTypeInfo<THead> headType,
        IReadOnlyList<TRecord> records,
        JsonTypeInfo<TRecord> recordType
    )
    {
        IEnumerable<string> lines = records.Select(record => JsonSerializer.Serialize(record, recordType));
        Write(path, lines.Prepend(JsonSerializer.Serialize(head, headType)));
    }

    /// <summary>Writes a file that has only a head.</summary>
    public static void Write<THead>(string path, THead head, JsonTypeInfo<THead> headType) =>
        Write(path, [JsonSerializer.Serialize(head, headType)]);

    /// <summary>Reads a file.</summary>
    /// <returns>The head and the records; null if there is no such file.</returns>
    /// <exception cref="UserErrorException">The file was cut or edited, or cannot be read.</exception>
    public static (THead Head, IReadOnlyList<TRecord> Records)? Read<THead, TRecord>(
        string path,
        JsonTypeInfo<THead> headType,
        JsonTypeInfo<TRecord> recordType
    )
    {
        var read = Read(
            path,
            lines =>
            {
                THead head = JsonSerializer.Deserialize(lines[0], headType)!;
                return Tuple.Create<THead, IReadOnlyList<TRecord>>(
                    head,
                    [.. lines.Skip(1).Select(line => JsonSerializer.Deserialize(line, recordType)!)]
                );
            }
        );
        return read?.ToValueTuple();
    }

    /// <summary>Reads the head of a file; null if there is no such file.</summary>
    /// <inheritdoc cref="Read{THead,TRecord}"/>
    public static THead? Read<THead>(string path, JsonTypeInfo<THead> headType)
        where THead : class => Read(path, lines => JsonSerializer.Deserialize(lines[0], headType)!);

    private static void Write(string path, IEnumerable<string> records)
    {
        string lines = string.Concat(records.Select(record => $"{record}\n"));
        AtomicFile.WriteText(path, $"{lines}{Seal(lines)}\n");
    }

    private static T? Read<T>(string path, Func<string[], T> parse)
        where T : class
    {
        if (!File.Exists(path))
            return null;
        try
        {
            return parse(Sealed(RegularFile.ReadText(path, MostBytes)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"cannot read the results in '{path}': {e.Message}", e);
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            throw new UserErrorException(
                $"'{path}' is not as it was written, it was cut or edited: delete it, and only what it held is "
                    + "measured again",
                e
            );
        }
    }

    private static string[] Sealed(string text)
    {
        int end = text.TrimEnd('\n').LastIndexOf('\n') + 1;
        string lines = text[..end];
        return lines.Length > 0 && text[end..] == $"{Seal(lines)}\n"
            ? lines[..^1].Split('\n')
            : throw new FormatException("The lines do not have the checksum that they were written with.");
    }

    private static string Seal(string lines) =>
        $"{{\"sha256\":\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines)))}\"}}";
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals
)]
[JsonSerializable(typeof(AttackTraining))]
[JsonSerializable(typeof(CellPart))]
[JsonSerializable(typeof(SampleRecord))]
[JsonSerializable(typeof(GradientCheck))]
[JsonSerializable(typeof(BudgetSearch))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, double>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
internal sealed partial class RecordJsonContext : JsonSerializerContext;
