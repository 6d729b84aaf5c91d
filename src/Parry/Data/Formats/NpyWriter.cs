using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace Parry.Data.Formats;

/// <summary>Arrays of float32 in NumPy's format, version 1.0.</summary>
public static class NpyWriter
{
    private const int Alignment = 64;

    /// <summary>Writes a tensor.</summary>
    /// <param name="path">The file.</param>
    /// <param name="values">float32 of any shape.</param>
    /// <inheritdoc cref="AtomicFile.Write" path="/exception"/>
    public static void Write(string path, Tensor values)
    {
        float[] numbers = Runtime.TensorData.ToArray<float>(values);
        AtomicFile.Write(
            path,
            stream =>
            {
                stream.Write(Header(values.shape));
                stream.Write(MemoryMarshal.AsBytes<float>(numbers));
            }
        );
    }

    // Magic, version, length of the description, description; padded so that the numbers are aligned.
    private static byte[] Header(long[] shape)
    {
        string dimensions = string.Concat(shape.Select(size => $"{size},"));
        string description = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({dimensions}), }}";
        const int Before = 10;
        int length = description.Length + 1;
        int padded = ((Before + length + Alignment - 1) / Alignment * Alignment) - Before;
        byte[] text = Encoding.ASCII.GetBytes(description.PadRight(padded - 1) + "\n");
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)padded, (byte)(padded >> 8), .. text];
    }
}
