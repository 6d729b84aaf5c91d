using System.Buffers.Binary;
using System.IO.Compression;
using Parry.Data;
using Parry.Data.Files;

namespace Parry.Tests.Data;

/// <summary>Small files in the formats that the readers know.</summary>
internal static class TestData
{
    public static readonly string[] Digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

    public static byte[] Pixels(int count, ulong seed = 1)
    {
        var random = new SplitMix64(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (byte)random.Next(256))];
    }

    public static byte[] Idx(uint magic, uint[] dimensions, byte[] data)
    {
        var file = new byte[4 + (4 * dimensions.Length) + data.Length];
        BinaryPrimitives.WriteUInt32BigEndian(file, magic);
        for (var i = 0; i < dimensions.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(4 + (4 * i)), dimensions[i]);
        }

        data.CopyTo(file.AsSpan(4 + (4 * dimensions.Length)));
        return file;
    }

    public static byte[] IdxImages(int count, int height = 5, int width = 4) =>
        Idx(0x803, [(uint)count, (uint)height, (uint)width], Pixels(count * height * width));

    public static byte[] IdxLabels(int count) =>
        Idx(0x801, [(uint)count], [.. Enumerable.Range(0, count).Select(i => (byte)(i % 10))]);

    public static byte[] Cifar(int records, ulong seed = 1)
    {
        var file = Pixels(records * 3073, seed);
        for (var i = 0; i < records; i++)
        {
            file[i * 3073] = (byte)(i % 10);
        }

        return file;
    }

    public static byte[] Gzip(byte[] content)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.Optimal))
        {
            gzip.Write(content);
        }

        return memory.ToArray();
    }

    public static InputFile Input(byte[] file, string name = "file") => new(new MemoryStream(file), name);

    /// <summary>Asserts that something is refused with one line that holds these words.</summary>
    public static void AssertRefused(string because, Func<object> work)
    {
        var error = Assert.Throws<UserErrorException>(work);
        Assert.Contains(because, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }
}
