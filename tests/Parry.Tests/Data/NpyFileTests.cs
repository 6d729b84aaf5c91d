using System.Runtime.InteropServices;
using System.Text;
using FsCheck.Fluent;
using Parry.Data.Formats;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Data;

public class NpyFileTests
{
    [Fact]
    public void Numbers_of_every_width_are_read_in_their_order()
    {
        Assert.Equal([0f, 1f, 0.2f], NpyFile.Parse(File("|u1", "(3,)", [0, 255, 51])).Values);
        Assert.Equal([1f, -2f], NpyFile.Parse(File("<f2", "(2,)", [0x00, 0x3c, 0x00, 0xc0])).Values);
        Assert.Equal([0.5f], NpyFile.Parse(File("<f4", "(1,)", BitConverter.GetBytes(0.5f))).Values);
        var (shape, values) = NpyFile.Parse(
            File("<f8", "(1, 2)", [.. BitConverter.GetBytes(0.25), .. BitConverter.GetBytes(8.0)])
        );
        Assert.Equal([1, 2], shape);
        Assert.Equal([0.25f, 8f], values);
    }

    [Fact]
    public void What_is_written_is_read_bit_for_bit()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "some.npy");
        Property.ForAll(
            Gen.Choose(1, 12).ArrayOf().Where(sizes => sizes.Length <= 4),
            100,
            sizes =>
            {
                int count = sizes.Aggregate(1, (product, size) => product * size);
                var bytes = new byte[count * sizeof(float)];
                new Random(count).NextBytes(bytes);
                using Tensor written = TensorData.FromBytes(bytes, ScalarType.Float32, [.. sizes]);
                NpyFile.Write(path, written);
                var (shape, values) = NpyFile.Read(path);
                Assert.Equal(sizes, shape);
                Assert.Equal(bytes, MemoryMarshal.AsBytes<float>(values).ToArray());
                Assert.Equal(0, (new FileInfo(path).Length - bytes.Length) % 64);
            }
        );
    }

    [Theory]
    [InlineData("|O", "(1,)", "float32")]
    [InlineData(">f4", "(1,)", "float32")]
    [InlineData("<f4", "(2,)", "expected 8 bytes")]
    [InlineData("<f4", "(0,)", "at least 1")]
    [InlineData("<f4", "(99999, 99999, 99999)", "bytes of values")]
    public void What_is_not_an_array_of_numbers_is_refused(string type, string shape, string message)
    {
        var refusal = Assert.Throws<InvalidDataException>(() => NpyFile.Parse(File(type, shape, new byte[4])));
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fortran_order_is_refused_with_a_cure()
    {
        byte[] file = File("<f4", "(1,)", new byte[4], fortran: "True");
        var refusal = Assert.Throws<InvalidDataException>(() => NpyFile.Parse(file));
        Assert.Contains("ascontiguousarray", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Damaged_files_are_refused_or_read() =>
        Fuzz.Run(
            [File("<f4", "(2, 1, 2, 2)", new byte[32]), File("|u1", "(4, 3)", new byte[12])],
            length => 100_000 + (8 * length),
            file => NpyFile.Parse(file)
        );

    internal static byte[] File(string type, string shape, byte[] data, string fortran = "False")
    {
        string header = $"{{'descr': '{type}', 'fortran_order': {fortran}, 'shape': {shape}, }}".PadRight(117) + "\n";
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.Latin1.GetBytes(header), .. data];
    }
}
