using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Parry.Data.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Data.Formats;

/// <summary>Arrays of numbers in the files that NumPy's <c>numpy.save</c> writes.</summary>
public static partial class NpyFile
{
    /// <summary>The extension of such files.</summary>
    internal const string Extension = ".npy";

    private const long MostBytes = 1L << 30;
    private const int VersionAt = 6;
    private const int LengthAt = 8;
    private const int Alignment = 64;

    private static readonly byte[] s_magic = [0x93, .. "NUMPY"u8];

    /// <summary>Writes a tensor in version 1.0 of the format.</summary>
    /// <param name="path">The file.</param>
    /// <param name="values">float32 of any shape.</param>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public static void Write(string path, Tensor values)
    {
        byte[] file = Bytes(values.shape, values.ToArray<float>());
        AtomicFile.Write(path, stream => stream.Write(file));
    }

    /// <summary>Reads a file of float16, float32, float64, uint8 or bool values.</summary>
    /// <returns>The sizes of the dimensions, and the values in C order; bytes are divided by 255.</returns>
    /// <exception cref="UserErrorException">The file is missing, too large, cut off, or holds other values.</exception>
    internal static (int[] Shape, float[] Values) Read(string path)
    {
        byte[] file;
        try
        {
            file = RegularFile.ReadBytes(path, MostBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path}: expected a readable file, got: {e.Message}", e);
        }

        try
        {
            return Parse(file);
        }
        catch (InvalidDataException e)
        {
            throw new UserErrorException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>The content of a file: magic, version, length of the header, header, values.</summary>
    private static byte[] Bytes(long[] shape, ReadOnlySpan<float> values)
    {
        string sizes = string.Concat(shape.Select(size => $"{size},"));
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({sizes}), }}";

        // The header ends with a line feed, and is padded so that the values are aligned.
        const int start = LengthAt + sizeof(ushort);
        int end = (start + header.Length + Alignment) / Alignment * Alignment;
        int length = end - start;
        byte[] text = Encoding.ASCII.GetBytes(header.PadRight(length - 1) + "\n");
        return [.. s_magic, 1, 0, (byte)length, (byte)(length >> 8), .. text, .. MemoryMarshal.AsBytes(values)];
    }

    /// <summary>Parses the content of a file.</summary>
    /// <exception cref="InvalidDataException">It is not valid.</exception>
    internal static (int[] Shape, float[] Values) Parse(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith(s_magic) || file.Length < LengthAt + sizeof(uint))
            throw new InvalidDataException("expected an array of numpy.save, got another kind of file");
        bool first = file[VersionAt] == 1;
        int start = LengthAt + (first ? sizeof(ushort) : sizeof(uint));
        long length = first
            ? BinaryPrimitives.ReadUInt16LittleEndian(file[LengthAt..])
            : BinaryPrimitives.ReadUInt32LittleEndian(file[LengthAt..]);
        if (length > file.Length - start)
            throw new InvalidDataException($"expected a header of {length} bytes, got the end of the file");
        string header = Encoding.Latin1.GetString(file.Slice(start, (int)length)).Trim();
        Match match = Header().Match(header);
        if (!match.Success)
            throw new InvalidDataException($"expected the header of one array, got \"{PlainText.Excerpt(header)}\"");
        if (match.Groups["fortran"].Value == "True")
            throw new InvalidDataException("expected C order, got Fortran order: save numpy.ascontiguousarray(array)");
        int[] shape = ShapeOf(match.Groups["shape"].Value);
        return (shape, ValuesOf(match.Groups["type"].Value, file[(start + (int)length)..], shape));
    }

    private static int[] ShapeOf(string text)
    {
        string[] sizes = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return Array.ConvertAll(
            sizes,
            size =>
                int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0
                    ? number
                    : throw new InvalidDataException($"expected sizes of at least 1, got \"{PlainText.Excerpt(text)}\"")
        );
    }

    private static float[] ValuesOf(string type, ReadOnlySpan<byte> data, int[] shape)
    {
        int width = type switch
        {
            "|u1" or "|b1" => sizeof(byte),
            "<f2" => sizeof(ushort),
            "<f4" => sizeof(float),
            "<f8" => sizeof(double),
            _ => throw new InvalidDataException(
                $"expected float32, float64, float16 or uint8 values, got \"{PlainText.Excerpt(type)}\": save "
                    + "array.astype('float32')"
            ),
        };
        UInt128 expected = (UInt128)width;
        foreach (int size in shape)
            expected = expected > MostBytes ? expected : expected * (uint)size;
        if (expected != (UInt128)data.Length)
            throw new InvalidDataException(
                $"expected {expected} bytes of values for the shape {string.Join("x", shape)}, got {data.Length}: save "
                    + "it again"
            );
        var values = new float[data.Length / width];
        switch (type)
        {
            case "|u1":
                for (int i = 0; i < values.Length; i++)
                    values[i] = data[i] / 255f;
                break;
            case "|b1":
                for (int i = 0; i < values.Length; i++)
                    values[i] = data[i] == 0 ? 0 : 1;
                break;
            case "<f2":
                ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(data);
                for (int i = 0; i < values.Length; i++)
                    values[i] = (float)halves[i];
                break;
            case "<f4":
                MemoryMarshal.Cast<byte, float>(data).CopyTo(values);
                break;
            default:
                ReadOnlySpan<double> doubles = MemoryMarshal.Cast<byte, double>(data);
                for (int i = 0; i < values.Length; i++)
                    values[i] = (float)doubles[i];
                break;
        }

        return values;
    }

    [GeneratedRegex(
        @"\A\{'descr': '(?<type>[^']*)', 'fortran_order': (?<fortran>True|False), "
            + @"'shape': \((?<shape>[0-9, ]*)\), \}\z",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Header();
}
