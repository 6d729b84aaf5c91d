using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parry.Data.Files;

namespace Parry.Cli.Evaluating;

/// <summary>
/// A plan: the options of <c>parry evaluate</c> that decide its numbers, as a JSON object. A key is the name of an
/// option with underscores; options that are left out have their defaults.
/// </summary>
internal static class PlanFile
{
    private const long MostBytes = 1L << 20;
    private const int LongestExcerpt = 60;
    private const string Schema = "$schema";

    // Where results go and how they are made, which is no part of a plan.
    private static readonly string[] s_notInPlans = ["--out", "--fresh", "--json", "--print-plan", "--data-dir"];

    /// <summary>The options that a plan may hold.</summary>
    public static IReadOnlyList<Option> Options(Command evaluate) =>
        [.. evaluate.Options.Where(option => !s_notInPlans.Contains(option.Name))];

    /// <summary>The key of an option.</summary>
    public static string Key(Option option) => option.Name.TrimStart('-').Replace('-', '_');

    /// <summary>
    /// The JSON schema of plans, with which editors complete and check them; <c>docs/plan.schema.json</c>.
    /// </summary>
    public static string SchemaOf(Command evaluate)
    {
        var properties = new JsonObject { [Schema] = new JsonObject { ["type"] = "string" } };
        foreach (Option option in Options(evaluate))
            properties[Key(option)] = Property(option);
        var schema = new JsonObject
        {
            [Schema] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "A plan for parry run",
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray([
                .. Options(evaluate).Where(option => option.Required).Select(option => JsonValue.Create(Key(option))),
            ]),
            ["additionalProperties"] = false,
        };
        return schema.ToJsonString(
            new JsonSerializerOptions { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
        );
    }

    /// <summary>Writes the options that were given as a plan.</summary>
    public static string Write(Command evaluate, ParseResult given)
    {
        var plan = new JsonObject();
        foreach (Option option in Options(evaluate))
        {
            if (given.GetResult(option) is { Implicit: false } result)
                plan[Key(option)] = Value(option, [.. result.Tokens.Select(token => token.Value)]);
        }

        return plan.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

    /// <summary>Reads a plan as words of a command line.</summary>
    /// <exception cref="UserErrorException">It is missing or no plan; the message names the file and the
    /// key.</exception>
    public static IReadOnlyList<string> Read(Command evaluate, string path)
    {
        using JsonDocument document = Parse(path);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new UserErrorException($"{path}: expected a JSON object with the options of a plan");
        Dictionary<string, Option> known = Options(evaluate).ToDictionary(Key);
        var words = new List<string>();
        foreach (JsonProperty entry in document.RootElement.EnumerateObject())
        {
            if (entry.Name == Schema)
                continue;
            if (!known.TryGetValue(entry.Name, out Option? option))
                throw new UserErrorException(
                    $"{path}: there is no key \"{Short(entry.Name)}\"{NearestName.Hint(entry.Name, known.Keys)}; "
                        + $"the keys: {string.Join(", ", known.Keys)}"
                );
            words.AddRange(Words(path, option, entry.Value));
        }

        return words;
    }

    private static JsonDocument Parse(string path)
    {
        try
        {
            return JsonDocument.Parse(
                RegularFile.ReadText(path, MostBytes),
                new JsonDocumentOptions { AllowDuplicateProperties = false }
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"Cannot read the plan '{path}': {e.Message}", e);
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"{path} is not JSON: line {e.LineNumber + 1}", e);
        }
    }

    private static IEnumerable<string> Words(string path, Option option, JsonElement value)
    {
        if (option.ValueType == typeof(bool))
        {
            return value.ValueKind switch
            {
                JsonValueKind.True => [option.Name],
                JsonValueKind.False => [],
                _ => throw Wrong("true or false"),
            };
        }

        if (option.ValueType.IsArray)
        {
            return
                value.ValueKind == JsonValueKind.Array
                && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
                ? value.EnumerateArray().SelectMany(item => new[] { option.Name, item.GetString()! })
                : throw Wrong("a list of strings");
        }

        bool isText = option.ValueType == typeof(string);
        return value.ValueKind == (isText ? JsonValueKind.String : JsonValueKind.Number)
            ? [option.Name, isText ? value.GetString()! : value.GetRawText()]
            : throw Wrong(isText ? "a string" : "a number");

        UserErrorException Wrong(string expected) =>
            new($"{path}: expected {Key(option)} to be {expected}, got {Short(value.GetRawText())}");
    }

    private static JsonObject Property(Option option)
    {
        JsonObject property = option.ValueType switch
        {
            var type when type == typeof(bool) => new JsonObject { ["type"] = "boolean" },
            var type when type == typeof(string) => new JsonObject { ["type"] = "string" },
            { IsArray: true } => new JsonObject
            {
                ["type"] = "array",
                ["items"] = new JsonObject { ["type"] = "string" },
            },
            _ => new JsonObject { ["type"] = "number" },
        };
        property["description"] = option.Description;
        return property;
    }

    private static string Short(string text) => PlainText.Cut(text, LongestExcerpt);

    private static JsonNode? Value(Option option, string[] words)
    {
        if (option.ValueType == typeof(bool))
            return words is not ["false"];
        if (option.ValueType.IsArray)
            return new JsonArray([.. words.Select(word => JsonValue.Create(word))]);
        return
            option.ValueType != typeof(string)
            && double.TryParse(words[0], NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            ? JsonNode.Parse(words[0])
            : JsonValue.Create(words[0]);
    }
}
