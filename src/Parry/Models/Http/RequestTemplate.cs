using System.Text.Json;
using System.Text.Json.Nodes;
using Parry.Data.Files;

namespace Parry.Models.Http;

/// <summary>
/// A JSON file that describes the requests and answers of an endpoint with its own protocol:
/// <code>
/// {
///   "url": "/predict",
///   "headers": {"x-api-key": "$token"},
///   "layout": "nhwc",
///   "body": {"instances": "$images"},
///   "scores": "$.predictions"
/// }
/// </code>
/// In the body, <c>"$images"</c> stands for all images of a request as nested arrays, <c>"$image"</c> for one of them
/// and <c>"$png"</c> for one as a PNG file in base64. An array whose only item holds one of the latter two is repeated
/// for each image; without such an array a request holds a single image. <c>"$count"</c> stands for the number of
/// images. <c>scores</c> or <c>labels</c> is the path in the answer to one row of scores, or one label, for each image.
/// </summary>
public sealed class RequestTemplate
{
    /// <summary>The placeholder for all images of a request.</summary>
    internal const string Images = "$images";

    /// <summary>The placeholder for one image.</summary>
    internal const string Image = "$image";

    /// <summary>The placeholder for one image as a PNG file.</summary>
    internal const string File = "$png";

    /// <summary>The placeholder for the number of images of a request.</summary>
    internal const string Count = "$count";

    /// <summary>The placeholder for the bearer token in a header.</summary>
    internal const string Token = "$token";

    private const long Largest = 1 << 20;
    private static readonly string[] s_keys = ["url", "headers", "layout", "body", "scores", "labels"];

    private RequestTemplate(string text, JsonObject json)
    {
        Text = text;
        foreach (var (key, _) in json)
        {
            if (!s_keys.Contains(key))
                throw new FormatException(
                    $"expected the keys {string.Join(", ", s_keys)}, got \"{PlainText.Excerpt(key)}\""
                );
        }

        Url = TextOf("url");
        Layout = TextOf("layout") switch
        {
            null => null,
            "nchw" => ImageLayout.Nchw,
            "nhwc" => ImageLayout.Nhwc,
            var other => throw new FormatException(
                $"expected layout to be nchw or nhwc, got \"{PlainText.Excerpt(other)}\""
            ),
        };
        Body = json["body"] ?? throw new FormatException("it has no body");
        Headers = json["headers"] switch
        {
            null => new Dictionary<string, string>(),
            JsonObject headers => headers.ToDictionary(
                header => header.Key,
                header =>
                    header.Value is JsonValue value && value.TryGetValue(out string? words)
                        ? words
                        : throw new FormatException($"the header {PlainText.Excerpt(header.Key)} is not a string")
            ),
            _ => throw new FormatException("headers is not an object"),
        };
        (Scores, Labels) = (PathOf("scores"), PathOf("labels"));
        if (Scores is null && Labels is null)
            throw new FormatException("it has neither scores nor labels: give the path to one of them in an answer");
        string[] used = [.. Placeholders(Body)];
        if (used.Length != 1)
            throw new FormatException(
                $"expected one of {Images}, {Image} and {File} once in its body, got "
                    + $"{(used.Length == 0 ? "none" : string.Join(" and ", used))}"
            );
        Placeholder = used[0];

        string? TextOf(string key) =>
            json[key] is not { } node ? null
            : node is JsonValue value && value.TryGetValue(out string? words) ? words
            : throw new FormatException($"{key} is not a string");

        JsonPath? PathOf(string key) =>
            TextOf(key) is { } path
                ? JsonPath.TryParse(path)
                    ?? throw new FormatException(
                        $"expected {key} to be a path such as $.predictions[*].scores, got "
                            + $"\"{PlainText.Excerpt(path)}\""
                    )
                : null;
    }

    /// <summary>The file's text.</summary>
    public string Text { get; }

    /// <summary>The URL of requests, relative to that of the model; null for that of the model.</summary>
    public string? Url { get; }

    /// <summary>
    /// Headers of every request; <c>$token</c> in them is replaced with the token, which is then sent in no other
    /// header.
    /// </summary>
    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>The order of the dimensions; null for channels first.</summary>
    public ImageLayout? Layout { get; }

    /// <summary>The path to the scores in an answer; null if there are none.</summary>
    public JsonPath? Scores { get; }

    /// <summary>The path to the labels in an answer; null if there are none.</summary>
    public JsonPath? Labels { get; }

    /// <summary>The body of a request, with a placeholder.</summary>
    internal JsonNode Body { get; }

    /// <summary>The placeholder in the body.</summary>
    internal string Placeholder { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, or is not a template; the message says
    /// why.</exception>
    public static RequestTemplate Load(string path)
    {
        try
        {
            return Parse(RegularFile.ReadText(path, Largest));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new UserErrorException(
                $"{path} is not a request template: {e.Message.TrimEnd('.')}; expected {{\"body\": {{\"instances\": "
                    + $"\"{Images}\"}}, \"scores\": \"$.predictions\"}} or the like",
                e
            );
        }
    }

    /// <summary>Reads the text of a file.</summary>
    /// <exception cref="FormatException">The text is not a template.</exception>
    internal static RequestTemplate Parse(string text)
    {
        try
        {
            var options = new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
            };
            return new RequestTemplate(
                text,
                JsonNode.Parse(text, documentOptions: options) as JsonObject
                    ?? throw new FormatException("it is not a JSON object")
            );
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            throw new FormatException($"it is not JSON ({PlainText.OneLine(e.Message)})", e);
        }
    }

    /// <summary>Whether an array is repeated for each image.</summary>
    internal bool IsRepeated(JsonArray array) =>
        Placeholder != Images && array.Count == 1 && array[0] is { } item && Placeholders(item).Any();

    /// <summary>Whether one request can hold several images.</summary>
    internal bool HoldsMany => Placeholder == Images || Arrays(Body).Any(IsRepeated);

    private static IEnumerable<string> Placeholders(JsonNode node) =>
        node switch
        {
            JsonArray array => array.Where(item => item is not null).SelectMany(item => Placeholders(item!)),
            JsonObject members => members
                .Where(member => member.Value is not null)
                .SelectMany(member => Placeholders(member.Value!)),
            JsonValue value when value.TryGetValue(out string? text) && text is Images or Image or File =>
            [
                value.GetValue<string>(),
            ],
            _ => [],
        };

    private static IEnumerable<JsonArray> Arrays(JsonNode node) =>
        node switch
        {
            JsonArray array => array.Where(item => item is not null).SelectMany(item => Arrays(item!)).Prepend(array),
            JsonObject members => members
                .Where(member => member.Value is not null)
                .SelectMany(member => Arrays(member.Value!)),
            _ => [],
        };
}
