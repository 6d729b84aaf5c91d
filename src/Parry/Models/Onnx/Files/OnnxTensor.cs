using System.Globalization;
using System.Runtime.InteropServices;
using Parry.Data.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Files;

/// <summary>The element types of ONNX, with the numbers of its files.</summary>
internal enum OnnxType
{
    Undefined = 0,
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    UInt32 = 12,
    UInt64 = 13,
    BFloat16 = 16,
}

/// <summary>
/// A constant of an ONNX file: its shape, its type and the location of its elements, which are checked against each
/// other before memory is allocated.
/// </summary>
internal sealed class OnnxTensor
{
    /// <summary>The largest number of dimensions of a tensor.</summary>
    internal const int LargestRank = 16;

    private const int External = 1;

    private readonly List<ProtoField> _fields;
    private readonly long[] _shape;
    private readonly string? _folder;

    /// <summary>Reads a TensorProto.</summary>
    /// <param name="message">The message.</param>
    /// <param name="folder">The model's folder, which must contain external data.</param>
    public OnnxTensor(ArraySegment<byte> message, string? folder)
    {
        _fields = ProtoField.Read(message);
        _folder = folder;
        var shape = new List<long>();
        foreach (ProtoField field in _fields.Where(field => field.Number == 1))
            field.AddIntegers(shape);
        Name = _fields.LastOrDefault(field => field.Number == 8).Text;
        Type = (OnnxType)_fields.LastOrDefault(field => field.Number == 2).Integer;
        if (shape.Count > LargestRank || shape.Any(size => size < 0))
            throw new InvalidDataException(
                $"the constant \"{Name}\" has the shape [{string.Join(", ", shape.Take(LargestRank))}]; at most "
                    + $"{LargestRank} sizes of 0 or more were expected"
            );
        _shape = [.. shape];
    }

    /// <summary>The name by which nodes refer to it.</summary>
    public string Name { get; }

    /// <summary>The type of its elements.</summary>
    public OnnxType Type { get; }

    /// <summary>
    /// The type that elements of a type are computed in: a larger one for integers that LibTorch has no type for, and
    /// float32 for halves, which processors compute slowly or not at all.
    /// </summary>
    /// <exception cref="InvalidDataException">The type is not supported.</exception>
    public static ScalarType TypeOf(OnnxType type) =>
        type switch
        {
            OnnxType.Float => ScalarType.Float32,
            OnnxType.UInt8 => ScalarType.Byte,
            OnnxType.Int8 or OnnxType.UInt16 or OnnxType.Int16 or OnnxType.Int32 => ScalarType.Int32,
            OnnxType.Int64 or OnnxType.UInt32 or OnnxType.UInt64 => ScalarType.Int64,
            OnnxType.Bool => ScalarType.Bool,
            OnnxType.Float16 or OnnxType.BFloat16 => ScalarType.Float32,
            OnnxType.Double => ScalarType.Float64,
            _ => throw new InvalidDataException($"elements of the type {type} are not supported"),
        };

    /// <summary>Reads the elements as a tensor, which the caller owns.</summary>
    /// <exception cref="InvalidDataException">The number of elements does not fit the shape, or they are stored outside
    /// the model's folder.</exception>
    public Tensor Read()
    {
        _ = TypeOf(Type);
        long count = Count();
        if (_fields.LastOrDefault(field => field.Number == 14).Integer == External)
            return FromBytes(ExternalBytes(count), count);
        if (_fields.Any(field => field.Number == 9))
            return FromBytes(_fields.Last(field => field.Number == 9).Bytes, count);
        return Type switch
        {
            OnnxType.Float => From(List<float>(4), count),
            OnnxType.Double => From(List<double>(10), count),
            OnnxType.Int64 => From(Integers(7), count),
            OnnxType.UInt32 or OnnxType.UInt64 => From(Integers(11), count),
            OnnxType.Float16 or OnnxType.BFloat16 => FromBytes(
                MemoryMarshal.AsBytes<ushort>(Integers(5).ConvertAll(bits => (ushort)bits).ToArray()),
                count
            ),
            OnnxType.UInt8 => From(Integers(5).ConvertAll(value => (byte)value), count),
            OnnxType.Bool => From(Integers(5).ConvertAll(value => value != 0), count),
            _ => From(Integers(5).ConvertAll(value => (int)value), count),
        };
    }

    /// <summary>The number of its elements.</summary>
    /// <exception cref="InvalidDataException">No file holds so many.</exception>
    public long Count()
    {
        Int128 count = 1;
        foreach (long size in _shape)
        {
            count *= size;
            if (count > long.MaxValue / 8)
                throw new InvalidDataException(
                    $"the constant \"{Name}\" has the shape [{string.Join(", ", _shape)}], whose sizes multiply to "
                        + "more values than a file can hold"
                );
        }

        return (long)count;
    }

    private Tensor FromBytes(ReadOnlySpan<byte> bytes, long count)
    {
        int size = Type switch
        {
            OnnxType.UInt8 or OnnxType.Int8 or OnnxType.Bool => 1,
            OnnxType.UInt16 or OnnxType.Int16 or OnnxType.Float16 or OnnxType.BFloat16 => 2,
            OnnxType.Float or OnnxType.Int32 or OnnxType.UInt32 => 4,
            _ => 8,
        };
        if (bytes.Length != count * size)
            throw Wrong($"{bytes.Length} bytes", $"{count} elements of {size} bytes");
        return Type switch
        {
            OnnxType.Int8 => From(
                MemoryMarshal.Cast<byte, sbyte>(bytes).ToArray().Select(value => (int)value).ToList(),
                count
            ),
            OnnxType.Int16 => From(
                MemoryMarshal.Cast<byte, short>(bytes).ToArray().Select(value => (int)value).ToList(),
                count
            ),
            OnnxType.UInt16 => From(
                MemoryMarshal.Cast<byte, ushort>(bytes).ToArray().Select(value => (int)value).ToList(),
                count
            ),
            OnnxType.UInt32 => From(
                MemoryMarshal.Cast<byte, uint>(bytes).ToArray().Select(value => (long)value).ToList(),
                count
            ),
            OnnxType.Bool => From(bytes.ToArray().Select(value => value != 0).ToList(), count),
            OnnxType.Float16 or OnnxType.BFloat16 => Widened(bytes),
            _ => TensorData.FromBytes(bytes, TypeOf(Type), _shape),
        };
    }

    private Tensor Widened(ReadOnlySpan<byte> bytes)
    {
        using Tensor halves = TensorData.FromBytes(
            bytes,
            Type == OnnxType.Float16 ? ScalarType.Float16 : ScalarType.BFloat16,
            _shape
        );
        return halves.to(ScalarType.Float32, copy: true);
    }

    private Tensor From<T>(List<T> elements, long count)
        where T : unmanaged =>
        elements.Count == count
            ? TensorData.From<T>(CollectionsMarshal.AsSpan(elements), _shape)
            : throw Wrong($"{elements.Count} elements", $"{count}");

    private List<long> Integers(int number)
    {
        var list = new List<long>();
        foreach (ProtoField field in _fields.Where(field => field.Number == number))
            field.AddIntegers(list);
        return list;
    }

    private List<T> List<T>(int number)
        where T : unmanaged
    {
        var list = new List<T>();
        foreach (ProtoField field in _fields.Where(field => field.Number == number))
            field.AddNumbers(list);
        return list;
    }

    // A model may store its weights in files of its own folder; refuse paths that lead elsewhere.
    private byte[] ExternalBytes(long count)
    {
        Dictionary<string, string> entries = [];
        foreach (ProtoField field in _fields.Where(field => field.Number == 13))
        {
            List<ProtoField> pair = ProtoField.Read(field.Bytes);
            entries[pair.LastOrDefault(part => part.Number == 1).Text] = pair.LastOrDefault(part =>
                part.Number == 2
            ).Text;
        }

        string location = entries.GetValueOrDefault("location", "");
        if (
            _folder is null
            || location.Length == 0
            || Path.IsPathRooted(location)
            || location.Split('/', '\\').Contains("..")
            || location.Contains('\0', StringComparison.Ordinal)
        )
            throw new InvalidDataException(
                $"the constant \"{Name}\" is in the file \"{location}\", which is not in the model's folder"
            );
        var file = new FileInfo(Path.Combine(_folder, location));
        if (!file.Exists)
            throw new InvalidDataException(
                $"the constant \"{Name}\" is in the file \"{location}\", which is missing beside the model"
            );
        if (LeavesFolder(file))
            throw new InvalidDataException(
                $"the constant \"{Name}\" is in the file \"{location}\", which is a link out of the model's folder"
            );
        long offset = Number("offset", 0);
        long length = Number("length", file.Length - offset);
        if (offset < 0 || length < 0 || offset > file.Length || length > file.Length - offset)
            throw new InvalidDataException(
                $"the constant \"{Name}\" is at {offset} to {offset + (Int128)length} of \"{location}\", which has "
                    + $"{file.Length} bytes"
            );
        if (length > count * 8)
            throw Wrong($"{length} bytes", $"{count} elements");
        var bytes = new byte[length];
        using FileStream stream = RegularFile.Open(file.FullName);
        stream.Position = offset;
        stream.ReadExactly(bytes);
        return bytes;

        long Number(string key, long ordinary) =>
            !entries.TryGetValue(key, out string? text) ? ordinary
            : long.TryParse(text, CultureInfo.InvariantCulture, out long value) ? value
            : throw new InvalidDataException($"the constant \"{Name}\" has the {key} \"{text}\", expected a number");
    }

    private bool LeavesFolder(FileInfo file)
    {
        string folder = Path.GetFullPath(_folder!);
        for (
            FileSystemInfo? part = file;
            part is not null && part.FullName.Length > folder.Length;
            part = part is FileInfo inside ? inside.Directory : ((DirectoryInfo)part).Parent
        )
        {
            if (
                part.LinkTarget is not null
                && !(part.ResolveLinkTarget(true)?.FullName ?? "").StartsWith(
                    folder + Path.DirectorySeparatorChar,
                    StringComparison.Ordinal
                )
            )
                return true;
        }

        return false;
    }

    private InvalidDataException Wrong(string got, string expected) =>
        new($"the constant \"{Name}\" of {Type}[{string.Join(", ", _shape)}] has {got}; expected {expected}");
}
