using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parry.Data.Images;
using static TorchSharp.torch;

namespace Parry.Models.Http;

/// <summary>Requests and answers as a <see cref="RequestTemplate"/> describes them.</summary>
internal sealed class TemplateFormat : IWireFormat
{
    private readonly RequestTemplate _template;
    private readonly InputContract _contract;
    private readonly bool _onlyLabels;
    private readonly int[] _sizes;

    /// <summary>Creates the format for images of a shape.</summary>
    /// <exception cref="UserErrorException">The template does not fit the images, or its URL has another
    /// host.</exception>
    public TemplateFormat(
        Uri model,
        RequestTemplate template,
        ImageShape shape,
        InputContract contract,
        bool onlyLabels
    )
    {
        _template = template;
        _contract = contract.Or(new InputContract { Layout = template.Layout ?? ImageLayout.Nchw });
        _onlyLabels = onlyLabels;
        Shape = shape;
        Outputs = contract.Outputs;
        MostImages = template.HoldsMany ? int.MaxValue : 1;
        _sizes =
            _contract.Layout == ImageLayout.Nhwc
                ? [shape.Height, shape.Width, shape.Channels]
                : [shape.Channels, shape.Height, shape.Width];

        // Send the token only to the host of the model's URL, whatever the template says.
        Address =
            template.Url is null ? model
            : Uri.TryCreate(model, template.Url, out Uri? joined)
            && (joined.Scheme, joined.Authority) == (model.Scheme, model.Authority)
                ? joined
            : throw new UserErrorException(
                $"expected the template's url to have the same host as {Endpoint.Shown(model)}, got "
                    + $"\"{template.Url}\": give a model with that host"
            );
        if (
            template.Placeholder == RequestTemplate.File
            && (
                shape.Channels is not (1 or 3)
                || (contract.Mean ?? contract.Std) is not null
                || contract.Range is not null
            )
        )
            throw new UserErrorException(
                $"a template with {RequestTemplate.File} sends images of 1 or 3 channels as PNG files, without "
                    + "normalization: leave out mean, standard deviation and range"
            );
    }

    public Uri Address { get; }

    public ImageShape Shape { get; }

    public int MostImages { get; }

    public string Identity =>
        $"{Address} {string.Join('x', _sizes)} {_template.Text} {string.Join(',', _contract.ClassNames ?? [])}";

    public OutputKind? Outputs { get; }

    public Tensor ToWire(Tensor images) =>
        _template.Placeholder == RequestTemplate.File ? (255.0 * images).round() : _contract.ToModel(images);

    public void Write(IBufferWriter<byte> to, ReadOnlySpan<float> values, int count)
    {
        using var writer = new Utf8JsonWriter(to);
        Write(writer, _template.Body, values, count);
    }

    public float[] Read(ReadOnlyMemory<byte> answer, int count)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            bool labels = _onlyLabels && _template.Labels is not null;
            JsonPath path = (labels ? _template.Labels : _template.Scores)!;
            var values = new List<float>();
            IReadOnlyList<JsonElement> found = path.In(document.RootElement);
            if (!labels && IsFlat(found, count))
            {
                JsonNumbers.Read(found[0], values);
                return Answers.Checked([.. values], count, _onlyLabels, labels, _contract.Background ?? 0);
            }

            int width = 0;
            foreach (JsonElement row in RowsOf(found, count))
            {
                int before = values.Count;
                var texts = new List<string>();
                JsonNumbers.Read(row, values, labels ? texts : null);
                values.AddRange(texts.Select(text => Answers.LabelOf(text, _contract.ClassNames)));
                if (width > 0 && values.Count - before != width)
                    throw new InvalidDataException(
                        $"the rows at {path} have different lengths, {width} and {values.Count - before}"
                    );
                width = values.Count - before;
            }

            return Answers.Checked([.. values], count, _onlyLabels, labels, _contract.Background ?? 0);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"it is not JSON ({PlainText.OneLine(e.Message)})", e);
        }

        // The rows of several images as one list of numbers, as the Open Inference Protocol has them.
        static bool IsFlat(IReadOnlyList<JsonElement> found, int count) =>
            found is [{ ValueKind: JsonValueKind.Array } all]
            && all.GetArrayLength() > count
            && all.GetArrayLength() % count == 0
            && all[0].ValueKind == JsonValueKind.Number;

        // The path leads to one element with a row for each image, or to one row for each image; for a single image it
        // may lead to that row itself.
        static IEnumerable<JsonElement> RowsOf(IReadOnlyList<JsonElement> found, int count)
        {
            if (found is [{ ValueKind: JsonValueKind.Array } all] && all.GetArrayLength() == count)
                return all.EnumerateArray();
            if (found.Count == count)
                return found;
            int rows = found is [{ ValueKind: JsonValueKind.Array } array] ? array.GetArrayLength() : found.Count;
            string expected = count == 1 ? "1 row" : $"{count} rows";
            throw new InvalidDataException($"expected {expected}, one for each image, got {rows}");
        }
    }

    private void Write(Utf8JsonWriter writer, JsonNode? node, ReadOnlySpan<float> values, int count)
    {
        switch (node)
        {
            case JsonObject members:
                writer.WriteStartObject();
                foreach (var (key, member) in members)
                {
                    writer.WritePropertyName(key);
                    Write(writer, member, values, count);
                }

                writer.WriteEndObject();
                break;
            case JsonArray array:
                writer.WriteStartArray();
                if (_template.IsRepeated(array))
                {
                    for (int i = 0; i < count; i++)
                        Write(writer, array[0], values.Slice(i * Shape.Pixels, Shape.Pixels), 1);
                }
                else
                {
                    foreach (JsonNode? item in array)
                        Write(writer, item, values, count);
                }

                writer.WriteEndArray();
                break;
            case JsonValue value when value.TryGetValue(out string? text) && text == RequestTemplate.Count:
                writer.WriteNumberValue(count);
                break;
            case JsonValue value when value.TryGetValue(out string? text) && text == _template.Placeholder:
                WriteImages(writer, values, count);
                break;
            case null:
                writer.WriteNullValue();
                break;
            default:
                node.WriteTo(writer);
                break;
        }
    }

    private void WriteImages(Utf8JsonWriter writer, ReadOnlySpan<float> values, int count)
    {
        if (_template.Placeholder == RequestTemplate.File)
        {
            var planes = new byte[values.Length];
            for (int i = 0; i < planes.Length; i++)
                planes[i] = (byte)Math.Clamp(values[i], 0, 255);
            writer.WriteBase64StringValue(Png.Encode(planes, Shape));
            return;
        }

        var data = new ArrayBufferWriter<byte>(values.Length * 10);
        JsonNumbers.Write(data, values, _template.Placeholder == RequestTemplate.Images ? [count, .. _sizes] : _sizes);
        writer.WriteRawValue(data.WrittenSpan, skipInputValidation: true);
    }
}
