using System.Buffers.Binary;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Data;
using static TorchSharp.torch;

namespace Parry.Tests.Runtime;

public class SafeTensorsFuzzTests
{
    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Damaged_files_are_refused_or_read_with_memory_in_their_size()
    {
        long live = Settled.Tensors();
        Fuzz.Run([Sample()], length => 100_000 + (20 * length), Read, count: 3000);
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
}
