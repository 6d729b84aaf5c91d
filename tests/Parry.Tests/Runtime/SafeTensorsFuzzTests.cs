using System.Buffers.Binary;
using Parry.Models.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Runtime;

public class SafeTensorsFuzzTests
{
    private const string HeaderCharacters = "0123456789-\"{}[],:. eUFBI";

    [Fact]
    public void Thousands_of_damaged_files_are_refused_or_read_with_memory_in_their_size()
    {
        byte[] sample = Sample();
        Read(sample);
        var random = new Random(11);
        long live = Settled.Tensors();
        int refused = 0;
        for (int i = 0; i < 6000; i++)
        {
            byte[] file = Mutate(sample, random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Read(file);
            }
            catch (InvalidDataException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(
                allocated < 100_000 + (20 * file.Length),
                $"mutation {i} of {file.Length} bytes took {allocated}"
            );
        }

        Assert.InRange(refused, 2000, 5900);
        Assert.Equal(live, LiveTensors.Count);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""")]
    [InlineData("""{"a":{"dtype":"X9","shape":[0],"data_offsets":[0,0]}}""")]
    [InlineData("""{"a":{"dtype":null,"shape":[0],"data_offsets":[0,0]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,0]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":0,"data_offsets":[0,0]}}""")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"""
    )]
    [InlineData("""{"a":{}}""")]
    [InlineData("""{"a":7}""")]
    [InlineData("""{"__metadata__":{"x":1}}""")]
    [InlineData("""{"__metadata__":[]}""")]
    [InlineData("""[]""")]
    [InlineData("""{"a":""")]
    public void A_header_that_makes_no_sense_is_refused(string header)
    {
        byte[] json = System.Text.Encoding.UTF8.GetBytes(header);
        var file = new byte[8 + json.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        Assert.Throws<InvalidDataException>(() => Read(file));
    }

    private static byte[] Sample()
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>
        {
            ["weight"] = ones([3, 2, 5]),
            ["bias"] = zeros([3], ScalarType.Float64),
            ["steps"] = tensor(new long[] { 42L }),
            ["bytes"] = tensor(new byte[] { 1, 2, 3 }),
            ["half"] = ones([2, 2], ScalarType.BFloat16),
            ["nothing"] = zeros([0, 4]),
        };
        using var stream = new MemoryStream();
        SafeTensors.Write(
            stream,
            tensors,
            new Dictionary<string, string> { ["name"] = "sample", ["text"] = "ä \"quoted\"" }
        );
        return stream.ToArray();
    }

    private static void Read(byte[] file)
    {
        using var stream = new MemoryStream(file);
        SafeTensors.Read(stream).Dispose();
    }

    private static byte[] Mutate(byte[] sample, Random random)
    {
        byte[] file = (byte[])sample.Clone();
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        switch (random.Next(6))
        {
            case 0:
                for (int flips = random.Next(1, 8); flips > 0; flips--)
                    file[random.Next(file.Length)] ^= (byte)(1 << random.Next(8));
                return file;
            case 1:
                return file[..random.Next(file.Length)];
            case 2:
                return [.. file, .. new byte[random.Next(1, 64)]];
            case 3:
                long[] lengths =
                [
                    0,
                    1,
                    2,
                    -1,
                    long.MaxValue,
                    long.MinValue,
                    file.Length,
                    file.Length - 8,
                    1 << 24,
                    header - 1,
                    header + 1,
                ];
                BinaryPrimitives.WriteInt64LittleEndian(file, lengths[random.Next(lengths.Length)]);
                return file;
            case 4:
                int from = random.Next(file.Length),
                    length = random.Next(file.Length - from),
                    at = random.Next(file.Length);
                return [.. file[..at], .. file[from..(from + length)], .. file[at..]];
            default:
                for (int changes = random.Next(1, 4); changes > 0; changes--)
                    file[8 + random.Next(header)] = (byte)HeaderCharacters[random.Next(HeaderCharacters.Length)];
                return file;
        }
    }
}
