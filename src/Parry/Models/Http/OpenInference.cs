using System.Buffers;
using System.Text.Json;
using static TorchSharp.torch;

namespace Parry.Models.Http;

/// <summary>
/// The Open Inference Protocol, version 2, as KServe, Triton, MLServer and OpenVINO's model server implement it: <c>GET
/// …/v2/models/NAME</c> gives the inputs and outputs of a model, and <c>POST …/infer</c> runs it on tensors in JSON.
/// </summary>
internal sealed class OpenInference : IWireFormat
{
    private const string Infer = "/infer";
    private const string Bytes = "UINT8";
    private const int MostListed = 20;
    private const int MostBatched = 4096;
    private const long MostValues = 1 << 26;

    private readonly InputContract _contract;
    private readonly HttpSettings _settings;
    private readonly string _input;
    private readonly string _type;
    private readonly string _output;
    private readonly long[] _sizes;
    private readonly int? _batch;

    private OpenInference(
        Uri model,
        ImageShape shape,
        long[] sizes,
        (string Name, string Type) input,
        ModelTensor output,
        int? batch,
        InputContract contract,
        HttpSettings settings
    )
    {
        (Shape, _sizes, _contract, _settings, _batch) = (shape, sizes, contract, settings, batch);
        (_input, _type) = input;
        _output = output.Name;
        Address = new UriBuilder(model) { Path = model.AbsolutePath + Infer }.Uri;
        Outputs =
            contract.Outputs
            ?? (
                output.Name.Contains("prob", StringComparison.OrdinalIgnoreCase)
                || output.Name.Contains("softmax", StringComparison.OrdinalIgnoreCase)
                    ? OutputKind.Probabilities
                : output.Name.Contains("logit", StringComparison.OrdinalIgnoreCase) ? OutputKind.Logits
                : null
            );
        if (!settings.OnlyLabels && !IsFloat(output.Type))
            throw new UserErrorException(
                $"the output \"{PlainText.Excerpt(output.Name)}\" of {Endpoint.Shown(model)} has the type "
                    + $"{PlainText.Excerpt(output.Type)}, which cannot be "
                    + "scores: give --http output=NAME for another, or --http answers=labels"
            );
    }

    public Uri Address { get; }

    public ImageShape Shape { get; }

    public int MostImages => _batch ?? int.MaxValue;

    public string Identity => $"{Address} {_input} {_type} {string.Join('x', _sizes)} {_output}";

    public OutputKind? Outputs { get; }

    /// <summary>The URL of a model, given with or without <c>/infer</c>.</summary>
    public static Uri ModelAddress(Uri url)
    {
        string path = url.AbsolutePath.TrimEnd('/');
        if (path.EndsWith(Infer, StringComparison.Ordinal))
            path = path[..^Infer.Length];
        return new UriBuilder(url) { Path = path }.Uri;
    }

    /// <summary>Reads a model's metadata.</summary>
    /// <param name="model">Its URL.</param>
    /// <param name="metadata">The metadata, in JSON.</param>
    /// <param name="shape">The shape of the images to send; null for that of the metadata.</param>
    /// <param name="classes">How many classes they have; null if that is not known.</param>
    /// <param name="contract">What is known about its inputs and outputs.</param>
    /// <param name="settings">How it is asked.</param>
    /// <exception cref="UserErrorException">The model does not take images, or takes other ones.</exception>
    /// <exception cref="InvalidDataException">The text is not metadata of this protocol.</exception>
    public static OpenInference Of(
        Uri model,
        ReadOnlyMemory<byte> metadata,
        ImageShape? shape,
        int? classes,
        InputContract contract,
        HttpSettings settings
    )
    {
        var (inputs, outputs) = Tensors(metadata);
        string at = Endpoint.Shown(model);
        if (inputs.Count == 0 || outputs.Count == 0)
            throw new UserErrorException(
                $"the metadata of {at} names no {(inputs.Count == 0 ? "inputs" : "outputs")}: describe its requests "
                    + "with --http template=FILE, as docs/endpoints.md shows for this protocol"
            );
        if (inputs.Count != 1)
            throw new UserErrorException(
                $"expected {at} to have one input, images, got {inputs.Count} inputs "
                    + $"({Listed(inputs)}): serve a model that takes only images"
            );
        var (name, type, sizes) = inputs[0];
        if (type is not ("FP32" or Bytes))
            throw new UserErrorException(
                $"expected {at} to take FP32 or {Bytes}, got {PlainText.Excerpt(type)}: serve it with one of these "
                    + "types"
            );
        ModelTensor output = Output(outputs, classes ?? contract.ClassNames?.Count, contract, settings, at);
        if (sizes.Count is not (2 or 4))
            throw new UserErrorException(
                $"{at} takes tensors of the shape [{ModelTensor.Text(sizes)}], expected [-1, C, H, W], [-1, H, W, C] "
                    + "or [-1, VALUES]: serve it with one of these, or describe its requests with --http template=FILE"
            );
        if (sizes[0] is not (-1 or (>= 1 and <= MostBatched)))
            throw new UserErrorException(
                $"{at} takes exactly {sizes[0]} images at a time, expected at most {MostBatched}: serve it so that it "
                    + "takes any number, or describe its requests with --http template=FILE"
            );

        if (type == Bytes)
            contract = contract.Or(new InputContract { Range = (0, 255) });
        ImageShape? wanted = shape ?? contract.Size;
        contract = contract.Or(
            new InputContract
            {
                Layout = sizes.Count == 4 && IsLast(sizes, wanted) ? ImageLayout.Nhwc : ImageLayout.Nchw,
            }
        );
        ImageShape? told = sizes.Count == 2 ? wanted : ShapeOf(sizes, contract.Layout!.Value, wanted);
        if (told is not { } fits)
            throw new UserErrorException($"{at} takes images of any size: choose one with --input-size CxHxW");
        long images = Math.Max(1, sizes[0]);
        if (images * fits.Channels * fits.Height * fits.Width is > MostValues or < 1)
            throw new UserErrorException(
                $"{at} takes {(images == 1 ? "images" : $"{images} images")} of {fits}, which are larger than "
                    + $"{MostValues} values: choose a size with --input-size CxHxW"
            );
        if ((wanted ?? fits) != fits || (sizes.Count == 2 && sizes[1] != -1 && sizes[1] != fits.Pixels))
            throw new UserErrorException(
                $"{at} takes images of the shape [{string.Join(", ", sizes.Skip(1))}], not {wanted}: give data of "
                    + "that size, or another model"
            );
        bool last = contract.Layout == ImageLayout.Nhwc;
        long[] each =
            sizes.Count == 2 ? [fits.Pixels]
            : last ? [fits.Height, fits.Width, fits.Channels]
            : [fits.Channels, fits.Height, fits.Width];
        return new OpenInference(
            model,
            fits,
            each,
            (name, type),
            output,
            sizes[0] == -1 ? null : (int)sizes[0],
            contract,
            settings
        );
    }

    public Tensor ToWire(Tensor images)
    {
        Tensor taken = _contract.ToModel(images);
        return _type == Bytes ? taken.round().clamp(0.0, 255.0) : taken;
    }

    public void Write(IBufferWriter<byte> to, ReadOnlySpan<float> values, int count)
    {
        using var writer = new Utf8JsonWriter(to);
        var data = new ArrayBufferWriter<byte>(values.Length * 10);
        ReadOnlySpan<float> sent = Filled(values, count);
        JsonNumbers.Write(data, sent, [sent.Length]);
        writer.WriteStartObject();
        writer.WriteStartArray("inputs");
        writer.WriteStartObject();
        writer.WriteString("name", _input);
        writer.WriteStartArray("shape");
        writer.WriteNumberValue(_batch ?? count);
        foreach (long size in _sizes)
            writer.WriteNumberValue(size);
        writer.WriteEndArray();
        writer.WriteString("datatype", _type);
        writer.WritePropertyName("data");
        writer.WriteRawValue(data.WrittenSpan, skipInputValidation: true);
        writer.WriteEndObject();
        writer.WriteEndArray();
        if (_output.Length > 0)
        {
            writer.WriteStartArray("outputs");
            writer.WriteStartObject();
            writer.WriteString("name", _output);
            writer.WriteEndObject();
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    public float[] Read(ReadOnlyMemory<byte> answer, int count)
    {
        var outputs = InferenceTensor.ReadAll(answer.Span, "outputs");
        InferenceTensor output =
            outputs.FirstOrDefault(tensor => tensor.Name == _output)
            ?? throw new InvalidDataException($"there is no output \"{_output}\"");
        int rows = _batch ?? count;
        if (output.Shape.Count == 0 || output.Shape[0] != rows)
            throw new InvalidDataException(
                $"the output \"{_output}\" has the shape [{string.Join(", ", output.Shape)}] for {rows} "
                    + $"{(rows == 1 ? "image" : "images")}"
            );
        if (output.Texts.Count > 0 && !_settings.OnlyLabels)
            throw new InvalidDataException($"the output \"{_output}\" contains strings; expected scores");
        float[] values =
            output.Texts.Count > 0
                ? [.. output.Texts.Select(text => Answers.LabelOf(text, _contract.ClassNames))]
                : output.Numbers;
        float[] all = Answers.Checked(
            values,
            rows,
            _settings.OnlyLabels,
            areLabels: !IsFloat(output.DataType),
            _contract.Background ?? 0
        );
        return all[..(all.Length / rows * count)];
    }

    // A server that takes exactly so many images gets the last one again and again.
    private ReadOnlySpan<float> Filled(ReadOnlySpan<float> values, int count)
    {
        if (_batch is not { } batch || batch == count)
            return values;
        int size = values.Length / count;
        var filled = new float[batch * size];
        values.CopyTo(filled);
        for (int i = count; i < batch; i++)
            values[^size..].CopyTo(filled.AsSpan(i * size));
        return filled;
    }

    private static bool IsFloat(string type) => type.StartsWith("FP", StringComparison.Ordinal) || type == "BF16";

    // If the images are known, their shape decides; otherwise channels come last if only the last size can be a number
    // of channels.
    private static bool IsLast(IReadOnlyList<long> sizes, ImageShape? wanted) =>
        wanted is { } shape
            ? !Fits(sizes, shape.Channels, shape.Height, shape.Width)
                && Fits(sizes, shape.Height, shape.Width, shape.Channels)
            : sizes[3] is 1 or 3 && sizes[1] is not (1 or 3);

    private static bool Fits(IReadOnlyList<long> sizes, params int[] wanted) =>
        wanted.Select((size, i) => sizes[i + 1] == -1 || sizes[i + 1] == size).All(fits => fits);

    // Take sizes that are open from the images.
    private static ImageShape? ShapeOf(IReadOnlyList<long> sizes, ImageLayout layout, ImageShape? wanted)
    {
        long[] told = layout == ImageLayout.Nchw ? [sizes[1], sizes[2], sizes[3]] : [sizes[3], sizes[1], sizes[2]];
        int[] open = wanted is { } shape ? [shape.Channels, shape.Height, shape.Width] : [0, 0, 0];
        int[] all = [.. told.Zip(open, (size, other) => size is > 0 and < 1 << 14 ? (int)size : other)];
        return all.All(size => size > 0) ? new ImageShape(all[0], all[1], all[2]) : null;
    }

    // The one that is named, the only one, or the only one that can be what is asked for.
    private static ModelTensor Output(
        List<ModelTensor> outputs,
        int? classes,
        InputContract contract,
        HttpSettings settings,
        string at
    )
    {
        if (settings.Output is { } name)
            return outputs.Find(output => output.Name == name)
                ?? throw new UserErrorException($"{at} has no output {name}: its outputs are {Listed(outputs)}");
        if (outputs is [var only])
            return only;
        ModelTensor[] fitting = [.. outputs.Where(output => settings.OnlyLabels != IsFloat(output.Type))];
        if (fitting.Length != 1)
            fitting = [.. outputs.Where(output => IsFloat(output.Type) && HasClasses(output))];
        return fitting is [var one]
            ? one
            : throw new UserErrorException(
                $"{at} has several outputs, {Listed(outputs)}: say which one is read with --http output=NAME"
            );

        bool HasClasses(ModelTensor output) =>
            classes is { } count && output.Sizes.Count == 2 && output.Sizes[1] == count + (contract.Background ?? 0);
    }

    private static string Listed(IEnumerable<ModelTensor> tensors) => string.Join(", ", tensors.Take(MostListed));

    private static (List<ModelTensor> Inputs, List<ModelTensor> Outputs) Tensors(ReadOnlyMemory<byte> metadata)
    {
        try
        {
            using var document = JsonDocument.Parse(metadata);
            return (Of("inputs"), Of("outputs"));

            // Servers that do not know leave them out, or empty.
            List<ModelTensor> Of(string key) =>
                document.RootElement.TryGetProperty("name", out _)
                && (
                    !document.RootElement.TryGetProperty(key, out JsonElement all)
                    || all.ValueKind == JsonValueKind.Null
                )
                    ? []
                    :
                    [
                        .. document
                            .RootElement.GetProperty(key)
                            .EnumerateArray()
                            .Select(tensor => new ModelTensor(
                                tensor.GetProperty("name").GetString() ?? "",
                                tensor.GetProperty("datatype").GetString() ?? "",
                                [.. tensor.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())]
                            )),
                    ];
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException(
                "expected a model's metadata in the Open Inference Protocol: give a URL …/v2/models/NAME, or --http "
                    + "template=FILE for another protocol",
                e
            );
        }
    }

    private sealed record ModelTensor(string Name, string Type, IReadOnlyList<long> Sizes)
    {
        public override string ToString() => $"{PlainText.Excerpt(Name)} {PlainText.Excerpt(Type)} [{Text(Sizes)}]";

        // A server may name any number of sizes.
        public static string Text(IReadOnlyList<long> sizes) =>
            string.Join(", ", sizes.Take(8)) + (sizes.Count > 8 ? ", …" : "");
    }
}
