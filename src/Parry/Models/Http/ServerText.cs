using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Parry.Models.Http;

/// <summary>What a server says, on one line that a message can quote. It is untrusted.</summary>
internal static partial class ServerText
{
    private const int Shown = 200;

    // Where servers put it: the Open Inference Protocol and TensorFlow Serving, FastAPI, TorchServe and gateways.
    private static readonly string[] s_keys = ["error", "errors", "detail", "message", "msg", "error_message", "title"];

    /// <summary>The text of an error: its own words in JSON or a web page, otherwise the start of the body.</summary>
    public static string OfError(ReadOnlySpan<byte> body)
    {
        string text = Encoding.UTF8.GetString(body);
        return OneLine(InJson(text) ?? InPage(text) ?? text);
    }

    /// <summary>The start of a text on one line, without control characters.</summary>
    public static string OneLine(string text) => PlainText.Excerpt(PlainText.OneLine(text), Shown);

    /// <summary>The start of a body on one line, without control characters.</summary>
    public static string OneLine(ReadOnlySpan<byte> body) =>
        OneLine(Encoding.UTF8.GetString(body[..Math.Min(body.Length, 8 * Shown)]));

    private static string? InJson(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return Find(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string? Find(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.String => element.GetString(),
            JsonValueKind.Array => element.EnumerateArray().Select(Find).FirstOrDefault(text => text is not null),
            JsonValueKind.Object => Place(element)
                + s_keys
                    .Select(key => element.TryGetProperty(key, out JsonElement value) ? Find(value) : null)
                    .FirstOrDefault(text => text is not null),
            _ => null,
        }
            is { Length: > 0 } found
            ? found
            : null;

    // FastAPI names the field that it does not like.
    private static string? Place(JsonElement element) =>
        element.TryGetProperty("loc", out JsonElement place) && place.ValueKind == JsonValueKind.Array
            ? $"{string.Join('.', place.EnumerateArray())}: "
            : null;

    private static string? InPage(string text)
    {
        if (!text.TrimStart().StartsWith('<'))
            return null;
        Match title = Title().Match(text);
        return Tags().Replace(title.Success ? title.Groups[1].Value : text, " ");
    }

    [GeneratedRegex("<title>([^<]+)</title>", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Title();

    [GeneratedRegex("<[^>]*>", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Tags();
}
