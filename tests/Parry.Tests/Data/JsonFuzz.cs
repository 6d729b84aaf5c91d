using System.Text;
using System.Text.Json.Nodes;

namespace Parry.Tests.Data;

/// <summary>Documents of JSON that are wrong in one place or more, the same ones every time.</summary>
internal static class JsonFuzz
{
    // Written in place of the text NODE: what no JSON library writes by itself.
    private static readonly string[] s_raw =
    [
        "NaN",
        "-Infinity",
        "1e400",
        "-1e39",
        "99999999999999999999",
        "-0",
        "1.5",
        "9223372036854775808",
        "1e-400",
        "01",
        "+1",
        "\"\\ud800\"",
        "\"\\u001b[31m\\u202e\\n\\r\"",
        "{\"a\":1,\"a\":2}",
        "[,]",
        "/* x */ 1",
        new string('[', 200),
        new string('[', 60) + new string(']', 60),
        $"\"{new string('x', 3000)}\"",
        $"[{string.Join(',', Enumerable.Repeat("1", 3000))}]",
    ];

    /// <summary>Wrong documents, each made from one of some right ones.</summary>
    public static IEnumerable<byte[]> Of(int count, int seed, params string[] samples)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            JsonNode document = JsonNode.Parse(samples[random.Next(samples.Length)])!;
            string raw = s_raw[random.Next(s_raw.Length)];
            for (int change = random.Next(3); change >= 0; change--)
                Change(document, random);
            string text = document.ToJsonString().Replace("\"NODE\"", raw, StringComparison.Ordinal);
            yield return random.Next(10) == 0
                ? Encoding.UTF8.GetBytes(text[..random.Next(text.Length)])
                : Encoding.UTF8.GetBytes(text);
        }
    }

    private static void Change(JsonNode document, Random random)
    {
        JsonNode[] inner = [.. All(document).Where(node => node is JsonArray or JsonObject)];
        JsonNode place = inner[random.Next(inner.Length)];
        JsonNode? value = Value(place, random);
        if (place is JsonArray array)
        {
            int at = random.Next(array.Count + 1);
            if (at == array.Count || random.Next(4) == 0)
                array.Insert(at, value);
            else if (random.Next(4) == 0)
                array.RemoveAt(at);
            else
                array[at] = value;
        }
        else
        {
            JsonObject members = place.AsObject();
            string[] keys = [.. members.Select(member => member.Key), "data", "shape"];
            string key = keys[random.Next(keys.Length)];
            if (random.Next(4) == 0)
                members.Remove(key);
            else
                members[key] = value;
        }
    }

    private static JsonNode? Value(JsonNode place, Random random) =>
        random.Next(12) switch
        {
            0 => null,
            1 => JsonValue.Create(true),
            2 => JsonValue.Create(-1),
            3 => JsonValue.Create(0),
            4 => JsonValue.Create(random.NextDouble()),
            5 => JsonValue.Create(""),
            6 => new JsonArray(),
            7 => new JsonObject(),
            8 => place.DeepClone(),
            _ => JsonValue.Create("NODE"),
        };

    private static IEnumerable<JsonNode> All(JsonNode node) =>
        node switch
        {
            JsonArray array => array.Where(item => item is not null).SelectMany(item => All(item!)).Prepend(array),
            JsonObject members => members
                .Where(member => member.Value is not null)
                .SelectMany(member => All(member.Value!))
                .Prepend(members),
            _ => [node],
        };
}
