using System.Buffers.Binary;
using System.Text.Json;
using Parry.Data.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Files;

/// <summary>
/// The safetensors format: named tensors and string metadata, no code. Files are untrusted: every size and offset is
/// checked against the file before anything is allocated.
/// </summary>
public static class SafeTensors
{
    private const int MostTensors = 1 << 14;
    private const long MaximumHeader = 16 << 20;

    private static readonly Dictionary<string, ScalarType> s_types = new()
    {
        ["U8"] = ScalarType.Byte,
        ["BOOL"] = ScalarType.Bool,
        ["I32"] = ScalarType.Int32,
        ["I64"] = ScalarType.Int64,
        ["F16"] = ScalarType.Float16,
        ["BF16"] = ScalarType.BFloat16,
        ["F32"] = ScalarType.Float32,
        ["F64"] = ScalarType.Float64,
    };

    /// <summary>Writes tensors and metadata to a stream, tensors in the order of their names.</summary>
    public static void Write(
        Stream stream,
        IEnumerable<KeyValuePair<string, Tensor>> tensors,
        IReadOnlyDictionary<string, string>? metadata = null
    )
    {
        var ordered = tensors.OrderBy(entry => entry.Key, StringComparer.Ordinal).ToArray();
        using var header = new MemoryStream();
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }

            long offset = 0;
            foreach (var (name, tensor) in ordered)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", s_types.Single(type => type.Value == tensor.dtype).Key);
                json.WriteStartArray("shape");
                foreach (long size in tensor.shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += Bytes(tensor));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (header.Length % 8 != 0)
            header.WriteByte((byte)' ');
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        header.WriteTo(stream);
        foreach (var (_, tensor) in ordered)
        {
            var bytes = new byte[Bytes(tensor)];
            tensor.ReadBytes(bytes);
            stream.Write(bytes);
        }
    }

    /// <summary>Reads a file. The caller owns the tensors.</summary>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="InvalidDataException">The data is not safetensors, is truncated, or contradicts
    /// itself.</exception>
    public static SafeTensorsFile Read(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no weight file '{path}'.", path);
        try
        {
            using FileStream stream = RegularFile.Open(path);
            return Read(stream);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException(
                $"'{path}' is not a usable safetensors file: {e.Message} Fetch or train it again.",
                e
            );
        }
    }

    /// <summary>Reads a seekable stream. The caller owns the tensors.</summary>
    /// <exception cref="InvalidDataException">The data is not safetensors, is truncated, or contradicts
    /// itself.</exception>
    public static SafeTensorsFile Read(Stream stream)
    {
        var (entries, metadata, start) = ReadHeader(stream);
        var tensors = new Dictionary<string, Tensor>();
        try
        {
            foreach (Entry entry in entries)
            {
                stream.Position = start + entry.Begin;
                var bytes = new byte[entry.End - entry.Begin];
                stream.ReadExactly(bytes);
                tensors.Add(entry.Name, TensorData.FromBytes(bytes, entry.Type, entry.Shape).DetachFromDisposeScope());
            }
        }
        catch
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
            throw;
        }

        return new SafeTensorsFile(tensors, metadata);
    }

    /// <summary>Reads only the metadata of a file.</summary>
    /// <exception cref="InvalidDataException">It is not safetensors.</exception>
    public static IReadOnlyDictionary<string, string> ReadMetadata(string path)
    {
        using FileStream stream = RegularFile.Open(path);
        return ReadHeader(stream).Metadata;
    }

    private static (List<Entry> Entries, Dictionary<string, string> Metadata, long Start) ReadHeader(Stream stream)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (stream.Length == 0)
            throw new InvalidDataException("It is empty.");
        if (stream.Length < 8)
            throw new InvalidDataException($"It has only {stream.Length} bytes and no header.");
        stream.ReadExactly(prefix);
        long length = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        if (length < 2 || length > MaximumHeader || length > stream.Length - 8)
            throw new InvalidDataException($"Its header claims {length} bytes in a file of {stream.Length}.");
        var header = new byte[length];
        stream.ReadExactly(header);
        long start = 8 + length;
        try
        {
            using var json = JsonDocument.Parse(header);
            var entries = new List<Entry>();
            var metadata = new Dictionary<string, string>();
            foreach (JsonProperty property in json.RootElement.EnumerateObject())
            {
                if (property.Name == "__metadata__")
                {
                    foreach (JsonProperty item in property.Value.EnumerateObject())
                        metadata[item.Name] = item.Value.GetString() ?? "";
                }
                else
                {
                    if (entries.Count == MostTensors)
                        throw new InvalidDataException($"It has more than {MostTensors} tensors.");
                    entries.Add(ReadEntry(property, stream.Length - start));
                }
            }

            CheckLayout(entries, stream.Length - start);
            return (entries, metadata, start);
        }
        catch (Exception e)
            when (e
                    is JsonException
                        or InvalidOperationException
                        or KeyNotFoundException
                        or FormatException
                        or OverflowException
            )
        {
            throw new InvalidDataException("Its header is not the expected JSON.", e);
        }
    }

    private static Entry ReadEntry(JsonProperty property, long available)
    {
        string name = property.Name;
        string type = property.Value.GetProperty("dtype").GetString() ?? "";
        if (!s_types.TryGetValue(type, out ScalarType dtype))
            throw new InvalidDataException(
                $"'{name}' has the type '{type}'; expected one of {string.Join(", ", s_types.Keys)}."
            );
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        long[] offsets =
        [
            .. property.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64()),
        ];
        if (shape.Length > 16 || shape.Any(size => size < 0))
            throw new InvalidDataException(
                $"'{name}' has the shape [{string.Join(", ", shape.Take(20))}], which is not valid."
            );
        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > available)
            throw new InvalidDataException(
                $"'{name}' is at [{string.Join(", ", offsets.Take(4))}] of {available} bytes; the file "
                    + "is truncated or corrupt."
            );
        long bytes = shape.Aggregate((long)TensorData.SizeOf(dtype), (product, size) => checked(product * size));
        if (bytes > Array.MaxLength)
            throw new InvalidDataException($"'{name}' has {bytes} bytes; at most {Array.MaxLength} are read.");
        if (bytes != offsets[1] - offsets[0])
            throw new InvalidDataException(
                $"'{name}' needs {bytes} bytes for its shape but has {offsets[1] - offsets[0]}."
            );
        return new Entry(name, dtype, shape, offsets[0], offsets[1]);
    }

    // The tensors must tile the data: an overlap would let a small file claim much memory, a gap could hide anything.
    private static void CheckLayout(List<Entry> entries, long available)
    {
        if (entries.Select(entry => entry.Name).Distinct().Count() != entries.Count)
            throw new InvalidDataException("Two of its tensors have the same name.");
        long end = 0;
        foreach (Entry entry in entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin != end)
                throw new InvalidDataException($"'{entry.Name}' begins at byte {entry.Begin}, not at {end}.");
            end = entry.End;
        }

        if (end != available)
            throw new InvalidDataException(
                $"Its tensors end at byte {end} of {available}; the file is truncated or has something appended."
            );
    }

    private static long Bytes(Tensor tensor) => tensor.numel() * TensorData.SizeOf(tensor.dtype);

    private sealed record Entry(string Name, ScalarType Type, long[] Shape, long Begin, long End);
}
