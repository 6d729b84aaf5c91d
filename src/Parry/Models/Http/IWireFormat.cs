using System.Buffers;
using static TorchSharp.torch;

namespace Parry.Models.Http;

/// <summary>The format of requests to an endpoint and of its answers.</summary>
internal interface IWireFormat
{
    /// <summary>The URL of requests.</summary>
    Uri Address { get; }

    /// <summary>The shape of the images.</summary>
    ImageShape Shape { get; }

    /// <summary>The largest number of images in one request.</summary>
    int MostImages { get; }

    /// <summary>
    /// Everything but the image that determines the endpoint's answer: answers to requests of equal identity share a
    /// cache.
    /// </summary>
    string Identity { get; }

    /// <summary>What the outputs are, if names or types tell; otherwise null.</summary>
    OutputKind? Outputs { get; }

    /// <summary>Converts images [N, C, H, W] in [0, 1] to the values that are sent, float32 with N rows.</summary>
    Tensor ToWire(Tensor images);

    /// <summary>Writes a request for a number of images.</summary>
    void Write(IBufferWriter<byte> to, ReadOnlySpan<float> values, int count);

    /// <summary>
    /// Reads the answers for a number of images: one row for each, all of equal length; a single label if only labels
    /// are read.
    /// </summary>
    /// <exception cref="InvalidDataException">The answer is something else; the message says what in one
    /// line.</exception>
    float[] Read(ReadOnlyMemory<byte> answer, int count);
}
