using System.Text.Json;

namespace Parry.Models.Http;

/// <summary>
/// A tensor in the JSON of the Open Inference Protocol, version 2. Input is untrusted.
/// </summary>
/// <param name="Name">Its name.</param>
/// <param name="DataType">Its type, such as FP32.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Numbers">Its elements in row-major order, NaN where it has null; empty if they are strings.</param>
/// <param name="Texts">Its elements if these are strings (BYTES).</param>
public sealed record InferenceTensor(
    string Name,
    string DataType,
    IReadOnlyList<long> Shape,
    float[] Numbers,
    IReadOnlyList<string> Texts
)
{
    private const int MostDimensions = 8;

    /// <summary>
    /// Reads the tensors of a request (<c>inputs</c>) or of an answer (<c>outputs</c>); data may be flat or nested.
    /// </summary>
    /// <exception cref="InvalidDataException">The text is not JSON, or not of this form; the message is one
    /// line.</exception>
    public static IReadOnlyList<InferenceTensor> ReadAll(ReadOnlySpan<byte> json, string property)
    {
        try
        {
            return Read(json, property);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"it is not JSON ({PlainText.OneLine(e.Message)})", e);
        }
        catch (InvalidOperationException e)
        {
            // A string is not valid UTF-8, or has half a surrogate pair.
            throw new InvalidDataException($"it holds a string that is not valid ({PlainText.OneLine(e.Message)})", e);
        }
    }

    private static List<InferenceTensor> Read(ReadOnlySpan<byte> json, string property)
    {
        var reader = new Utf8JsonReader(json);
        List<InferenceTensor>? tensors = null;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw new InvalidDataException("it is not a JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool wanted = reader.ValueTextEquals(property);
            reader.Read();
            if (!wanted)
                reader.Skip();
            else
                tensors = ReadList(ref reader, property);
        }

        // Nothing may follow the object.
        while (reader.Read()) { }

        return tensors ?? throw new InvalidDataException($"it has no \"{property}\"");
    }

    private static List<InferenceTensor> ReadList(ref Utf8JsonReader reader, string property)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new InvalidDataException($"\"{property}\" is not an array");
        var tensors = new List<InferenceTensor>();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            tensors.Add(ReadOne(ref reader));
        return reader.TokenType == JsonTokenType.EndArray
            ? tensors
            : throw new InvalidDataException($"\"{property}\" holds something that is not a tensor");
    }

    private static InferenceTensor ReadOne(ref Utf8JsonReader reader)
    {
        string name = "";
        string type = "";
        long[]? shape = null;
        (float[] Numbers, List<string> Texts)? data = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            switch (key)
            {
                case "name":
                    name = TextOf(ref reader);
                    break;
                case "datatype":
                    type = TextOf(ref reader);
                    break;
                case "shape":
                    var (sizes, _) = ReadData(ref reader);
                    shape =
                        sizes.Length <= MostDimensions && sizes.All(size => size >= 0 && size == MathF.Floor(size))
                            ? [.. sizes.Select(size => (long)size)]
                            : throw new InvalidDataException("a shape is not valid");
                    break;
                case "data":
                    data = ReadData(ref reader);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (shape is null || data is null)
            throw new InvalidDataException(
                $"a tensor lacks its {(shape is null ? "shape" : "data")}; only tensors in JSON are supported"
            );
        int elements = data.Value.Numbers.Length + data.Value.Texts.Count;
        double product = shape.Aggregate(1.0, (all, size) => all * size);
        if (product != elements)
            throw new InvalidDataException(
                $"the tensor \"{PlainText.Excerpt(name)}\" has the shape [{string.Join(", ", shape)}] but "
                    + $"{elements} elements"
            );
        return new InferenceTensor(name, type, shape, data.Value.Numbers, data.Value.Texts);
    }

    private static (float[] Numbers, List<string> Texts) ReadData(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new InvalidDataException("data or a shape is not an array");
        var numbers = new List<float>();
        var texts = new List<string>();
        int outside = reader.CurrentDepth;
        while (reader.Read() && !(reader.TokenType == JsonTokenType.EndArray && reader.CurrentDepth == outside))
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.Number:
                    numbers.Add(
                        JsonNumbers.TryParse(reader.ValueSpan, out float value)
                            ? value
                            : throw new InvalidDataException("a number is outside the range of float32")
                    );
                    break;
                case JsonTokenType.Null:
                    numbers.Add(float.NaN);
                    break;
                case JsonTokenType.String:
                    texts.Add(reader.GetString()!);
                    break;
                case JsonTokenType.StartArray or JsonTokenType.EndArray:
                    break;
                default:
                    throw new InvalidDataException($"expected a number, got {reader.TokenType}");
            }
        }

        return numbers.Count == 0 || texts.Count == 0
            ? ([.. numbers], texts)
            : throw new InvalidDataException("numbers and strings are mixed");
    }

    private static string TextOf(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.String
            ? reader.GetString()!
            : throw new InvalidDataException("a name is not a string");
}
