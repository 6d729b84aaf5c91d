using System.Buffers;
using static TorchSharp.torch;

namespace Parry.Models.Http;

/// <summary>How images and answers are written between here and an endpoint.</summary>
internal interface IWireFormat
{
    /// <summary>Where requests go.</summary>
    Uri Address { get; }

    /// <summary>The shape of the images.</summary>
    ImageShape Shape { get; }

    /// <summary>The most images that one request can hold.</summary>
    int MostImages { get; }

    /// <summary>
    /// What decides, beside an image itself, what the endpoint answers: answers to requests of one identity may be kept
    /// together.
    /// </summary>
    string Identity { get; }

    /// <summary>What the answers are, where names or types tell.</summary>
    OutputKind? Outputs { get; }

    /// <summary>The values that are sent of images [N, C, H, W] in [0, 1], float32 with N rows.</summary>
    Tensor ToWire(Tensor images);

    /// <summary>Writes a request for as many images.</summary>
    void Write(IBufferWriter<byte> to, ReadOnlySpan<float> values, int count);

    /// <summary>
    /// Reads the answers for as many images: one row of equal length for each, a label if only labels are asked for.
    /// </summary>
    /// <exception cref="InvalidDataException">It is something else; the message says what, in one line.</exception>
    float[] Read(ReadOnlyMemory<byte> answer, int count);
}
